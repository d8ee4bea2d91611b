import { uniformSource } from "../../examples/tfjs-browser/spirals.ts";

/** Repeatable draws. */
export interface Random {
  /** In (0, 1). */
  uniform(): number;
  /** Of mean 0 and deviation 1. */
  normal(): number;
  /** A whole number below `end`. */
  below(end: number): number;
  /** 0 to `count` − 1 in a drawn order. */
  order(count: number): number[];
}

/** Draws that are the same for the same seed. */
export function makeRandom(seed: number): Random {
  const uniform = uniformSource(1 + seed * 7919);
  // The first draws of neighbouring seeds are alike.
  for (let i = 0; i < 10; i++) uniform();
  const below = (end: number) => Math.floor(uniform() * end);
  return {
    uniform,
    normal: () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()),
    below,
    order(count) {
      const order = Array.from({ length: count }, (_, i) => i);
      for (let i = count - 1; i > 0; i--) {
        const k = below(i + 1);
        [order[i], order[k]] = [order[k]!, order[i]!];
      }
      return order;
    },
  };
}
