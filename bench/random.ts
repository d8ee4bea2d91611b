/** @module */

/** A seeded source of random numbers. */
export interface Random {
  /** Uniform in [0, 1). */
  uniform(): number;
  /** Standard normal. */
  normal(): number;
  /** Uniform in 0 … n − 1. */
  integer(n: number): number;
  /** 0 … n − 1 in random order. */
  permutation(n: number): Int32Array;
}

/** sfc32 (Chris Doty-Humphrey, PractRand), seeded by a name so that streams do not overlap by chance. */
export function random(...name: readonly (string | number)[]): Random {
  let [a, b, c, d] = [0x9e3779b9, 0x243f6a88, 0xb7e15162, 1];
  const next = (): number => {
    const t = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + t) | 0;
    return t >>> 0;
  };
  for (const character of name.join("/")) {
    a ^= character.charCodeAt(0);
    next();
  }
  for (let i = 0; i < 12; i++) next();
  const uniform = () => next() / 2 ** 32;
  let spare = 0;
  let spared = false;
  const normal = (): number => {
    if (spared) {
      spared = false;
      return spare;
    }
    // Box-Muller; 1 − u is never 0.
    const radius = Math.sqrt(-2 * Math.log(1 - uniform()));
    const angle = 2 * Math.PI * uniform();
    spare = radius * Math.sin(angle);
    spared = true;
    return radius * Math.cos(angle);
  };
  const integer = (n: number) => Math.floor(uniform() * n);
  return {
    uniform,
    normal,
    integer,
    permutation(n) {
      const order = Int32Array.from({ length: n }, (_, i) => i);
      for (let i = n - 1; i > 0; i--) {
        const j = integer(i + 1);
        [order[i], order[j]] = [order[j]!, order[i]!];
      }
      return order;
    },
  };
}
