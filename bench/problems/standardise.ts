/** @module */

/** Mean and standard deviation of some numbers; 1 in place of a deviation of 0. */
export interface Scale {
  readonly mean: number;
  readonly deviation: number;
}

/** The scale of numbers; those that are NaN do not count. */
export function scaleOf(values: Iterable<number>): Scale {
  let [count, mean, squares] = [0, 0, 0];
  for (const value of values) {
    if (Number.isNaN(value)) continue;
    // Welford: columns such as years have means far above their deviations.
    const difference = value - mean;
    mean += difference / ++count;
    squares += difference * (value - mean);
  }
  const deviation = Math.sqrt(squares / Math.max(1, count));
  return { mean, deviation: deviation > 0 ? deviation : 1 };
}

/** `(value − mean) / deviation`. */
export function standardise(value: number, { mean, deviation }: Scale): number {
  return (value - mean) / deviation;
}
