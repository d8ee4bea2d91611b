/**
 * The arithmetic of telemetry reports: a few sums for each parameter, whatever computed them.
 *
 * @module
 */
import {
  add,
  and,
  div,
  eq,
  gt,
  le,
  mul,
  not,
  read,
  select,
  sum,
} from "../kernel/expr.ts";
import { compileProgram, type Program } from "../kernel/program.ts";
import type { NoiseReport } from "./report.ts";

/** Thresholds of the histogram of T, a factor √2 apart. */
export const thresholds: readonly number[] = Array.from({ length: 25 }, (_, k) => 2 ** (-12 + k / 2));

/** What is computed on the device for a parameter; sums of summaries are summaries. */
export interface Summary {
  readonly size: number;
  readonly signal: number;
  readonly noise: number;
  /** Σ g²/σ² of the current gradient, over the elements that have noise. */
  readonly ratio: number;
  /** How many those are. */
  readonly noisy: number;
  /** Elements with a gradient, but no noise. */
  readonly certain: number;
  /** Elements with T at or below each threshold. */
  readonly below: readonly number[];
}

/** The numbers of one variable. */
export function summaryOf(values: ArrayLike<number>, size: number): Summary {
  const [signal, noise, ratio, noisy, certain, ...below] = Array.from(values) as number[];
  return {
    size,
    signal: signal!,
    noise: noise!,
    ratio: ratio!,
    noisy: noisy!,
    certain: certain!,
    below,
  };
}

/** Sums of summaries are summaries. */
export function merge(summaries: readonly Summary[]): Summary {
  const total = (f: (s: Summary) => number) => summaries.reduce((sum, s) => sum + f(s), 0);
  return {
    size: total((s) => s.size),
    signal: total((s) => s.signal),
    noise: total((s) => s.noise),
    ratio: total((s) => s.ratio),
    noisy: total((s) => s.noisy),
    certain: total((s) => s.certain),
    below: thresholds.map((_, k) => total((s) => s.below[k]!)),
  };
}

/** The EB-criterion of a summary. */
export function evidenceOf({ ratio, noisy, certain }: Summary): number {
  if (noisy === 0) return NaN;
  return certain > 0 ? -Infinity : 1 - ratio / noisy;
}

/** The report of a summary, for batches of `batchSize` examples. */
export function reportOf(summary: Summary, batchSize: number): NoiseReport {
  const { size, signal, noise, below } = summary;
  const quantile = (q: number) => {
    const k = below.findIndex((count) => count >= q * size);
    return k < 0 ? 1 : Math.min(1, thresholds[k]!);
  };
  return {
    size,
    signal,
    noise,
    fraction: signal > 0 ? signal / (signal + noise) : 0,
    quantiles: { p10: quantile(0.1), p50: quantile(0.5), p90: quantile(0.9) },
    noiseScale: signal > 0 ? batchSize * noise / signal : Infinity,
  };
}
