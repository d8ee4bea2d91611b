/** @module */

/** Uniform numbers from a seed. */
export interface Uniform {
  /** Fills with numbers in [0, 1). */
  fill(array: Float32Array): void;
  /** Fills with +1 and −1. */
  signs(array: Float32Array): void;
  /** An integer in [0, n). */
  integer(n: number): number;
  /** The generator's whole state, to be restored. */
  state: number;
}

/** Steele, Lea & Flood's SplitMix with 32 bits ("mulberry32"): one word of state, easily saved. */
export function uniform(seed: number): Uniform {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (t ^ (t >>> 14)) >>> 0;
  };
  return {
    fill(array) {
      // 24 bits, so that rounding to float32 never gives 1.
      for (let i = 0; i < array.length; i++) array[i] = (next() >>> 8) / 2 ** 24;
    },
    signs(array) {
      let bits = 0;
      for (let i = 0; i < array.length; i++) {
        if (i % 32 === 0) bits = next();
        array[i] = (bits >>> (i % 32)) & 1 ? 1 : -1;
      }
    },
    integer: (n) => Math.floor(next() / 2 ** 32 * n),
    get state() {
      return state;
    },
    set state(value) {
      state = value >>> 0;
    },
  };
}
