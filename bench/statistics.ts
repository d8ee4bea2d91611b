/** @module */
import { random } from "./random.ts";

/** A number with what it could as well have been. */
export interface Interval {
  readonly middle: number;
  readonly low: number;
  readonly high: number;
}

/** The p-quantile, interpolated linearly between order statistics; infinities sort last. */
export function quantile(values: readonly number[], p: number): number {
  if (values.length === 0) throw new RangeError("Cannot take a quantile: there are no values");
  const sorted = [...values].sort((a, b) => a - b);
  const position = p * (sorted.length - 1);
  const low = sorted[Math.floor(position)]!;
  const high = sorted[Math.ceil(position)]!;
  const part = position - Math.floor(position);
  return part === 0 || low === high ? low : low + part * (high - low);
}

/** The middle value. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** Below this many seeds an interval is the whole range; a bootstrap would only pretend. */
export const bootstrapFrom = 8;

/** Says what the intervals of `medianInterval` are for this many seeds. */
export function intervalName(count: number): string {
  return count < bootstrapFrom ? "smallest to largest" : "95 % bootstrap interval of the median";
}

/** The median, with its range over few values or its 95 % bootstrap interval over many. */
export function medianInterval(values: readonly number[]): Interval {
  const middle = median(values);
  if (values.length < bootstrapFrom) {
    return { middle, low: quantile(values, 0), high: quantile(values, 1) };
  }
  const draw = random("bootstrap", values.length);
  const medians = Array.from(
    { length: 2000 },
    () => median(values.map(() => values[draw.integer(values.length)]!)),
  );
  return { middle, low: quantile(medians, 0.025), high: quantile(medians, 0.975) };
}

/** Number, mean and variance of some values; enough to pool them with others. */
export interface Moments {
  readonly count: number;
  readonly mean: number;
  /** Unbiased. */
  readonly variance: number;
}

/** Count, mean and unbiased variance. */
export function moments(values: ArrayLike<number>): Moments {
  const count = values.length;
  let mean = 0;
  for (let i = 0; i < count; i++) mean += values[i]! / count;
  let squares = 0;
  for (let i = 0; i < count; i++) squares += (values[i]! - mean) ** 2;
  return { count, mean, variance: count > 1 ? squares / (count - 1) : 0 };
}

/** The moments of all values together. */
export function pool(parts: readonly Moments[]): Moments {
  const count = parts.reduce((sum, p) => sum + p.count, 0);
  const mean = parts.reduce((sum, p) => sum + p.count * p.mean, 0) / count;
  const squares = parts.reduce(
    (sum, p) => sum + (p.count - 1) * p.variance + p.count * (p.mean - mean) ** 2,
    0,
  );
  return { count, mean, variance: count > 1 ? squares / (count - 1) : 0 };
}

/** The 0.975 quantile of Student's t, by the Cornish-Fisher expansion; within 1 % from 5 degrees on. */
export function studentT(degrees: number): number {
  const z = 1.959963984540054;
  return z + (z ** 3 + z) / (4 * degrees) +
    (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * degrees ** 2);
}

/** The mean with its 95 % confidence interval. */
export function meanInterval({ count, mean, variance }: Moments): Interval {
  const half = count > 1 ? studentT(count - 1) * Math.sqrt(variance / count) : Infinity;
  return { middle: mean, low: mean - half, high: mean + half };
}

/** Whether two intervals have a number in common. */
export function overlap(a: Interval, b: Interval): boolean {
  return a.low <= b.high && b.low <= a.high;
}
