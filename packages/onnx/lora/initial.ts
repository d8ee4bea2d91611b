/**
 * Where adapters begin, as PEFT's do.
 *
 * @module
 */

/** Uniform numbers in [0, 1): mulberry32, whose stream is a function of one integer. */
export function uniforms(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A layer's own seed: what it begins with does not depend on which others have adapters. */
export function seedOf(seed: number, name: string): number {
  let hash = 0x811c9dc5; // FNV-1a
  for (let k = 0; k < name.length; k++) hash = Math.imul(hash ^ name.charCodeAt(k), 0x01000193);
  return Math.floor(uniforms(Math.imul(seed, 0x9e3779b1) ^ hash)() * 2 ** 32);
}

/** Uniform in ±1/√fanIn: Kaiming's uniform with slope √5, as PyTorch's layers begin. */
export function kaimingUniform(size: number, fanIn: number, seed: number): Float32Array {
  const random = uniforms(seed);
  const bound = 1 / Math.sqrt(fanIn);
  return Float32Array.from({ length: size }, () => bound * (2 * random() - 1));
}

/** Standard normal, by Box and Muller. */
export function standardNormal(size: number, seed: number): Float32Array {
  const random = uniforms(seed);
  return Float32Array.from(
    { length: size },
    () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()),
  );
}
