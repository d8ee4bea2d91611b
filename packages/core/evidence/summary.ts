/**
 * The arithmetic of telemetry reports: a few sums for each parameter, whatever computed them.
 *
 * @module
 */
import { chainFor, type Definition } from "../chain/per_parameter.ts";
import type { ParameterInfo } from "../chain/types.ts";
import {
  and,
  div,
  type Expr,
  gt,
  le,
  lt,
  not,
  or,
  read,
  select,
  square,
  sum,
} from "../kernel/expr.ts";
import { compileProgram, type Program } from "../kernel/program.ts";
import type { ClippedReport, NoiseReport, TelemetryReport } from "./report.ts";

/** Thresholds of the histogram of T, a factor √2 apart. */
export const thresholds: readonly number[] = Array.from(
  { length: 25 },
  (_, k) => 2 ** (-12 + k / 2),
);

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

/**
 * A program that computes what {@linkcode summaryOf} takes, in its order, from arrays `fraction`,
 * `signal` and `noise` of `inspect()` and the current `gradient`: one number an output.
 */
export function summaryProgram(): Program {
  const [fraction, signal, noise, gradient] = ["fraction", "signal", "noise", "gradient"]
    .map((name) => read(name)) as [Expr, Expr, Expr, Expr];
  const known = gt(noise, 0);
  const moves = or(lt(gradient, 0), gt(gradient, 0));
  const values: readonly (readonly [string, Expr])[] = [
    ["signal", signal],
    ["noise", noise],
    ["ratio", select(known, div(square(gradient), noise), 0)],
    ["noisy", select(known, 1, 0)],
    // A gradient without any noise speaks against stopping, and noise that was never seen for nothing.
    ["certain", select(and(not(known), moves), 1, 0)],
    ...thresholds.map((t, k) => [`below${k}`, select(le(fraction, t), 1, 0)] as const),
  ];
  return compileProgram({
    outputs: values.map(([name, value]) => ({
      name: `sum.${name}`,
      shape: "tensor",
      value: sum(value, "tensor"),
    })),
  });
}

/** The numbers of one parameter. */
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

/**
 * Whether the first stage that does more than hold steps is the one that estimates the noise, in the
 * coordinates of the parameter: in a basis it sees other elements than those of the gradient.
 */
export function seesGradient(
  definition: Definition,
  parameters: readonly ParameterInfo[],
): boolean {
  return parameters.every((parameter) => {
    const { stages } = chainFor(definition, parameter);
    const first = stages.find(({ transform }) => transform.name !== "skipNonFinite");
    return first?.transform.inspect !== undefined && !first.inside;
  });
}

/** The report of counts by parameter and kind. */
export function clippedOf(
  counts: Iterable<readonly [name: string, kind: keyof ClippedReport, count: number]>,
): TelemetryReport["clipped"] {
  const variables: Record<string, ClippedReport> = {};
  for (const [name, kind, count] of counts) {
    const known = variables[name] ?? { elements: 0, norm: false };
    variables[name] = { ...known, [kind]: kind === "norm" ? count > 0 : count };
  }
  const all = Object.values(variables);
  return {
    elements: all.reduce((sum, { elements }) => sum + elements, 0),
    norm: all.some(({ norm }) => norm),
    variables,
  };
}
