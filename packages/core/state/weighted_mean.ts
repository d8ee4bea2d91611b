/** @module */

/** An array in a state that is merged. */
export interface Share {
  /** p: of all states together 1. */
  readonly weight: number;
  readonly values: Float32Array;
}

/** Σ p x of element k. */
export const meanOf = (shares: readonly Share[]) => (k: number): number => {
  let sum = 0;
  for (const { weight, values } of shares) sum += weight * values[k]!;
  return sum;
};

/** Σ p x, added in float64. */
export function weightedMean(shares: readonly Share[]): Float32Array {
  const mean = meanOf(shares);
  return shares[0]!.values.map((_, k) => mean(k));
}
