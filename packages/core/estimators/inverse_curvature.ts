/** @module */
import { checkOptions, checkValue } from "../checks.ts";
import { specify } from "../chain/specification.ts";
import { average, newestWeight, weights } from "../chain/ema.ts";
import type {
  CurvatureSource,
  Evidence,
  PreconditionerEstimator,
  RuleInputs,
} from "../chain/types.ts";
import * as kinds from "../kinds.ts";
import {
  abs,
  add,
  constant,
  div,
  divide0,
  type Expr,
  max,
  mul,
  sqrt,
  square,
} from "../kernel/expr.ts";

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
  /** λ: default 1e-4, in the units of the curvature; with form "relative" a pure number. */
  readonly damping?: number;
  /**
   * `1/(κ + λ)` ("add", default), `1/max(κ, λ)` ("max"), or `1/(κ + λ·mean κ)` over the tensor
   * ("relative"), which scales with the loss.
   */
  readonly dampingForm?: "add" | "max" | "relative";
  /** Bound on each component of the preconditioned input; default none. */
  readonly stepClip?: number;
  /**
   * Samples to average before the first step: until then the factor is 0, and a sample is due on
   * each step. Default 1.
   */
  readonly warmup?: number;
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
    dampingForm: kinds.oneOf("add", "max", "relative"),
    stepClip: kinds.bound,
    warmup: kinds.count,
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
    warmup = 1,
  } = given;
  // The empirical Fisher is made here from what flows by; the others are brought by the host.
  const inKernel = source.kind === "empiricalFisher";
  const fromSquares = inKernel && source.from === "gradientSquares";
  const needs: Evidence[] = inKernel
    ? (fromSquares ? ["gradient", "gradientSquares"] : ["gradient"])
    : ["gradient", "curvature"];
  const evidence = fromSquares ? "gradientSquares" as const : "curvature" as const;
  const factorOf = (h: Expr, { scalar, sum }: Pick<RuleInputs, "scalar" | "sum">): Expr => {
    const magnitude = moment === "rms" ? sqrt(h) : sign === "absolute" ? abs(h) : max(h, 0);
    const kappa = mul(gain, magnitude);
    const mean = () => div(sum(kappa, "tensor"), sum(constant(1), "tensor"));
    const denominator = dampingForm === "max"
      ? max(kappa, damping)
      : add(kappa, dampingForm === "add" ? damping : mul(damping, mean()));
    const safe = damping > 0 && dampingForm !== "relative";
    const inverse = safe ? div(1, denominator) : divide0(1, denominator);
    return warmup > 1 ? mul(scalar("ready"), inverse) : inverse;
  };
  return {
    ...specify("inverseCurvature", source, given),
    name: "inverseCurvature",
    needs,
    // Between samples the factor stays: kept, it saves each step a division.
    slots: inKernel
      ? { h: { merge: "mean" } }
      : { h: { merge: "mean" }, factor: { merge: "derived" } },
    curvature: warmup > 1 ? { ...source, first: warmup } : source,
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
      const ready = count >= warmup ? 1 : 0;
      return { ...weights(newestWeight(decay, count, debias)), batchSize, ready };
    },
    mergeScalars: (states) => ({
      ready: Math.max(...states.map(({ scalars }) => scalars.ready!)),
    }),
    ...(inKernel ? {} : {
      derive: (inputs: Pick<RuleInputs, "slot" | "scalar" | "sum">) => ({
        factor: factorOf(inputs.slot("h"), inputs),
      }),
    }),
    estimate({ gradient, curvature, rawGradientSquares, slot, scalar, sum }) {
      const sample: Expr | undefined = !inKernel
        ? curvature
        : fromSquares
        ? rawGradientSquares
        : mul(scalar("batchSize"), square(gradient));
      if (!sample && !inKernel) return { factor: slot("factor"), slots: {}, limit: stepClip };
      const old = slot("h");
      const observed = sample && (moment === "rms" ? square(sample) : sample);
      const h = observed ? average(decay, old, observed, scalar) : old;
      const factor = factorOf(h, { scalar, sum });
      return { factor, slots: inKernel ? { h } : { h, factor }, limit: stepClip };
    },
  };
}
