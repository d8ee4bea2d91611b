/** @module */
import { checkOptions, checkValue } from "../checks.ts";
import { specify } from "../chain/specification.ts";
import { average, newestWeight, weights } from "../chain/ema.ts";
import type { CurvatureSource, Evidence, PreconditionerEstimator } from "../chain/types.ts";
import * as kinds from "../kinds.ts";
import { abs, add, div, divide0, type Expr, max, mul, sqrt, square } from "../kernel/expr.ts";

/** Options of {@linkcode inverseCurvature}. */
export interface InverseCurvatureOptions {
  /** Decay of the EMA over curvature samples (not over steps), in [0, 1); default 0.99. */
  readonly decay?: number;
  /** Correct the EMA for its start at 0; default true. */
  readonly debias?: boolean;
  /** "mean" of the samples (default), or their root mean square, as in AdaHessian. */
  readonly moment?: "mean" | "rms";
  /** What to do with negative curvature: |h| (default) or max(h, 0). */
  readonly sign?: "absolute" | "positive";
  /** Multiplies the curvature (Sophia's γ); default 1. */
  readonly gain?: number;
  /** Default 1e-4, in the units of the curvature. */
  readonly damping?: number;
  /** `1/(κ + damping)` (default) or `1/max(κ, damping)`. */
  readonly dampingForm?: "add" | "max";
  /** Bound on each component of the preconditioned input; default none. */
  readonly stepClip?: number;
}

/**
 * The inverse of an estimated diagonal curvature, `1/(|h| + λ)`, h an EMA of curvature samples.
 *
 * With `h ← (1−w)h + wc`, `w = (1−β)/(1−βⁿ)` on the n-th sample; between samples h stays. Where
 * curvature and damping are both 0 the factor is 0.
 *
 * @throws {RangeError} For options out of range.
 * @throws {TypeError} For what is no curvature source (`gaussNewton` without its call), and an option
 * that is unknown or of the wrong type.
 *
 * @example
 * ```ts
 * import { chain, gaussNewton, inverseCurvature, learningRate, scaleBy } from "@precond/core";
 *
 * chain(scaleBy(inverseCurvature(gaussNewton({ every: 10 }), { damping: 1e-3 })), learningRate(0.1));
 * ```
 */
export function inverseCurvature(
  source: CurvatureSource,
  options: InverseCurvatureOptions = {},
): PreconditionerEstimator {
  const action = "precondition by curvature";
  checkValue(action, source, kinds.curvature, "source");
  const given = checkOptions(action, options, {
    decay: kinds.decay,
    debias: kinds.flag,
    moment: kinds.oneOf("mean", "rms"),
    sign: kinds.oneOf("absolute", "positive"),
    gain: kinds.positive,
    damping: kinds.normal,
    dampingForm: kinds.oneOf("add", "max"),
    stepClip: kinds.bound,
  });
  const {
    decay = 0.99,
    debias = true,
    moment = "mean",
    sign = "absolute",
    gain = 1,
    damping = 1e-4,
    dampingForm = "add",
    stepClip = Infinity,
  } = given;
  // The empirical Fisher is made here from what flows by; the others are brought by the host.
  const inKernel = source.kind === "empiricalFisher";
  const fromSquares = inKernel && source.from === "gradientSquares";
  const needs: Evidence[] = inKernel
    ? (fromSquares ? ["gradient", "gradientSquares"] : ["gradient"])
    : ["gradient", "curvature"];
  const evidence = fromSquares ? "gradientSquares" as const : "curvature" as const;
  return {
    ...specify("inverseCurvature", source, given),
    name: "inverseCurvature",
    needs,
    // Between samples the factor stays: kept, it saves each step a division.
    slots: inKernel ? { h: {} } : { h: {}, factor: {} },
    curvature: source,
    meaning: [source.kind, moment, ...(debias ? [] : ["biased"])].join(),
    scales: stepClip === Infinity,
    rawSquares: true,
    scalars({ step, samples, parameter, batchSize }) {
      const count = inKernel && !fromSquares ? step : samples[evidence];
      if (count === 0) {
        throw new TypeError(
          `Cannot ${action}: the first step of "${parameter.name}" brings no ${
            fromSquares ? "gradientSquares" : `${source.kind} curvature sample`
          }`,
        );
      }
      return { ...weights(newestWeight(decay, count, debias)), batchSize };
    },
    estimate({ gradient, curvature, rawGradientSquares, slot, scalar }) {
      const sample: Expr | undefined = !inKernel
        ? curvature
        : fromSquares
        ? rawGradientSquares
        : mul(scalar("batchSize"), square(gradient));
      if (!sample && !inKernel) return { factor: slot("factor"), slots: {}, limit: stepClip };
      const old = slot("h");
      const observed = sample && (moment === "rms" ? square(sample) : sample);
      const h = observed ? average(decay, old, observed, scalar) : old;
      const magnitude = moment === "rms" ? sqrt(h) : sign === "absolute" ? abs(h) : max(h, 0);
      const kappa = mul(gain, magnitude);
      const denominator = dampingForm === "add" ? add(kappa, damping) : max(kappa, damping);
      const factor = damping > 0 ? div(1, denominator) : divide0(1, denominator);
      return { factor, slots: inKernel ? { h } : { h, factor }, limit: stepClip };
    },
  };
}
