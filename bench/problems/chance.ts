/** @module */
import type { Examples } from "./digits.ts";
import type { LossName } from "./layers.ts";
import { scaleOf } from "./standardise.ts";

/**
 * The loss of knowing nothing but these targets: half their variance, summed over the outputs, or the
 * entropy of the classes' shares.
 */
export function chanceOf({ y, count }: Examples, loss: LossName): number {
  if (loss === "squared") {
    const outputs = y.length / count;
    let sum = 0;
    for (let k = 0; k < outputs; k++) {
      const values = Array.from({ length: count }, (_, i) => y[i * outputs + k]!);
      const { mean } = scaleOf(values);
      for (const value of values) sum += (value - mean) ** 2 / count / 2;
    }
    return sum;
  }
  const shares = new Map<number, number>();
  for (const label of y) shares.set(label, (shares.get(label) ?? 0) + 1 / count);
  return [...shares.values()].reduce((sum, share) => sum - share * Math.log(share), 0);
}
