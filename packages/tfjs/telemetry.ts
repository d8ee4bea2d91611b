/**
 * What the noise in a training run looks like.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs-core";

/** What is known of one variable, or of all together. */
export interface NoiseReport {
  /** Number of elements. */
  readonly size: number;
  /**
   * Σ g² over elements: unbiased estimate of the squared norm of the mean of what the chain's signal
   * fraction sees: the true gradient, if that is the first stage.
   */
  readonly signal: number;
  /** Σ σ² over elements: variance of one such sample. */
  readonly noise: number;
  /** T = signal/(signal + noise), 0 if the signal's estimate is negative. */
  readonly fraction: number;
  /** Quantiles of T over elements, within a factor √2. */
  readonly quantiles: Readonly<Record<"p10" | "p50" | "p90", number>>;
  /**
   * The gradient noise scale B_simple = tr(Σ)/|G|² with tr(Σ) = B · noise: the batch size at which
   * noise equals signal. Infinity if no signal is seen.
   */
  readonly noiseScale: number;
}

/** What {@linkcode TelemetryOptions.onReport} gets. */
export interface TelemetryReport extends NoiseReport {
  /** The update after which it was taken. */
  readonly iteration: number;
  /** ‖update‖₂ of that update, over all variables. */
  readonly updateNorm: number;
  /** Steps that were held because of a NaN or an infinity, if the chain counts them. */
  readonly skipped: number;
  /**
   * Evidence that only noise is left to fit: the EB-criterion's 1 − (1/d) Σ g_i²/σ_i², averaged over
   * the d elements that have noise. Positive: gradients are no larger than noise alone would make
   * them. NaN if none has any, or if the signal fraction does not see the raw gradient (it is not
   * the chain's first stage).
   */
  readonly evidence: number;
  /** By variable. */
  readonly variables: Readonly<Record<string, NoiseReport>>;
}

/** Options of `optimizer.telemetry()`. */
export interface TelemetryOptions {
  /** Report after every `every`-th update; default 100. */
  readonly every?: number;
  readonly onReport: (report: TelemetryReport) => void;
  /** What to do with an error of `onReport` or of reading back; default `console.error`. */
  readonly onError?: (error: unknown) => void;
}

/** What {@linkcode advise} says. */
export interface Advice {
  /** The gradient noise scale: larger batches than this buy little, smaller ones cost little. */
  readonly batchSize: number;
  /** True when the gradients are no larger than noise alone would make them. */
  readonly onlyNoise: boolean;
  /** Both in words. */
  readonly text: string;
}

/**
 * Advice from a report: the critical batch size, and whether only noise is left to fit.
 *
 * Source: McCandlish et al. (2018), arXiv 1812.06162, for the noise scale; Mahsereci et al. (2017),
 * "Early stopping without a validation set", arXiv 1703.09580, for the evidence-based criterion, as
 * used in Cockpit (Schneider, Dangel & Hennig, 2021).
 */
export function advise(report: TelemetryReport): Advice {
  const { noiseScale, evidence } = report;
  const onlyNoise = evidence > 0;
  const batch = noiseScale < Infinity
    ? `noise equals signal at about ${Math.max(1, Math.round(noiseScale))} examples a batch`
    : "no signal is seen in the noise";
  const text = onlyNoise
    ? `${batch}; gradients are no larger than noise alone would make them: stopping loses little`
    : batch;
  return { batchSize: noiseScale, onlyNoise, text };
}

/**
 * Reports as the data of a `tfvis.render.linechart`: one series for each variable's T, and "all".
 */
export function toSeries(
  reports: readonly TelemetryReport[],
): { values: { x: number; y: number }[][]; series: string[] } {
  const names = [...new Set(reports.flatMap((r) => Object.keys(r.variables)))];
  const line = (pick: (r: TelemetryReport) => NoiseReport | undefined) =>
    reports.flatMap((r) => {
      const found = pick(r);
      return found ? [{ x: r.iteration, y: found.fraction }] : [];
    });
  return {
    values: [line((r) => r), ...names.map((name) => line((r) => r.variables[name]))],
    series: ["all", ...names],
  };
}

/** Thresholds of the histogram of T, a factor √2 apart. */
const thresholds: readonly number[] = Array.from({ length: 25 }, (_, k) => 2 ** (-12 + k / 2));

/** What is computed on the device for a variable: one small tensor. */
export function summarise(
  { fraction, signal, noise, gradient }: Readonly<
    Record<"fraction" | "signal" | "noise" | "gradient", tf.Tensor>
  >,
): tf.Tensor1D {
  return tf.tidy(() => {
    const below = thresholds.map((t) => tf.sum(tf.cast(tf.lessEqual(fraction, t), "float32")));
    const known = tf.greater(noise, 0);
    const ratio = tf.where(known, tf.div(tf.square(gradient), noise), tf.zerosLike(noise));
    const noisy = tf.sum(tf.cast(known, "float32"));
    // A gradient without any noise speaks against stopping, and noise that was never seen for nothing.
    const certain = tf.sum(tf.cast(
      tf.logicalAnd(tf.logicalNot(known), tf.notEqual(gradient, 0)),
      "float32",
    ));
    return tf.stack(
      [tf.sum(signal), tf.sum(noise), tf.sum(ratio), noisy, certain, ...below],
    ) as tf.Tensor1D;
  });
}

/** Reads {@linkcode summarise}'s numbers. */
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
