/**
 * What the noise in a training run looks like.
 *
 * @module
 */

import { checkValue, type Kind } from "../checks.ts";
import * as kinds from "../kinds.ts";

/** What is known of one parameter, or of all together. */
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
   * noise equals signal. Infinity if no signal is seen, NaN if the host does not know how many examples
   * a batch has.
   */
  readonly noiseScale: number;
}

/** What the chain's bounds did to one update. */
export interface ClippedReport {
  /** Elements that a bound on elements changed: `clipByValue()`, `stepClip`. */
  readonly elements: number;
  /** Whether a bound on a norm scaled the update: `clipByGlobalNorm()`. */
  readonly norm: boolean;
}

/** What {@linkcode TelemetryOptions.onReport} gets. */
export interface TelemetryReport extends NoiseReport {
  /** The update after which it was taken. */
  readonly iteration: number;
  /** ‖update‖₂ of that update, over all variables. */
  readonly updateNorm: number;
  /** Steps that were held because of a NaN or an infinity, if the chain counts them. */
  readonly skipped: number;
  /** What was clipped in that update, overall and by variable; nothing in a held step. */
  readonly clipped: ClippedReport & {
    /** The variables whose chain has bounds. */
    readonly variables: Readonly<Record<string, ClippedReport>>;
  };
  /**
   * Evidence that only noise is left to fit: the EB-criterion's 1 − (1/d) Σ g_i²/σ_i², averaged over
   * the d elements that have noise. Positive: gradients are no larger than noise alone would make
   * them. NaN if none has any, or if the signal fraction does not see the raw gradient (it is not
   * the chain's first stage, or works in a basis as that of `combined()`).
   */
  readonly evidence: number;
  /** By variable. */
  readonly variables: Readonly<Record<string, NoiseReport>>;
}

/** Options of telemetry. */
export interface TelemetryOptions {
  /** Report after every `every`-th update; default 100. */
  readonly every?: number;
  /** Gets the reports. */
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

const kindOfReport: Kind = {
  must: "be a report of telemetry()",
  type: (value) => {
    if (typeof value !== "object" || value === null) return false;
    const { noiseScale, evidence, variables } = value as Partial<TelemetryReport>;
    return typeof noiseScale === "number" && typeof evidence === "number" &&
      typeof variables === "object";
  },
};

/**
 * Advice from a report: the critical batch size, and whether only noise is left to fit.
 *
 * Source: McCandlish et al. (2018), arXiv 1812.06162, for the noise scale; Mahsereci et al. (2017),
 * "Early stopping without a validation set", arXiv 1703.09580, for the evidence-based criterion, as
 * used in Cockpit (Schneider, Dangel & Hennig, 2021).
 *
 * @throws {TypeError} For what is no report.
 */
export function advise(report: TelemetryReport): Advice {
  checkValue("advise", report, kindOfReport, "the report");
  const { noiseScale, evidence, size } = report;
  const onlyNoise = evidence > 0;
  const batch = size === 0
    ? "this optimizer does not estimate noise; snrOnly(), combined() and signalSgd() do"
    : Number.isNaN(noiseScale)
    ? "give batchSize, the examples of a batch, to know at which size noise equals signal"
    : noiseScale < Infinity
    ? `noise equals signal at about ${Math.max(1, Math.round(noiseScale))} examples a batch`
    : "no signal is seen in the noise";
  const text = onlyNoise
    ? `${batch}; gradients are no larger than noise alone would make them: stopping loses little`
    : batch;
  return { batchSize: noiseScale, onlyNoise, text };
}

/**
 * Reports as the data of a `tfvis.render.linechart`: one series for each variable's T, and "all".
 *
 * @throws {TypeError | RangeError} For what is no list of reports.
 */
export function toSeries(
  reports: readonly TelemetryReport[],
): { values: { x: number; y: number }[][]; series: string[] } {
  checkValue("draw the reports", reports, kinds.listOf(kindOfReport), "reports");
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
