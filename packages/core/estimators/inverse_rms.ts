/** @module */
import { checkOptions } from "../checks.ts";
import { specify } from "../chain/specification.ts";
import { average, newestWeight, weights } from "../chain/ema.ts";
import type { PreconditionerEstimator } from "../chain/types.ts";
import * as kinds from "../kinds.ts";
import { add, div, divide0, sqrt, square } from "../kernel/expr.ts";

/** Options of {@linkcode inverseRms}. */
export interface InverseRmsOptions {
  /** Decay of the second moment, in [0, 1); default 0.999. */
  readonly decay?: number;
  /** Correct the EMA for its start at 0; default true. */
  readonly debias?: boolean;
  /** Default 1e-8. */
  readonly epsilon?: number;
  /**
   * `1/(√v + ε)` ("outside", default), `1/√(v + ε)` ("inside"), or `√c/(√(c v) + ε)` with
   * `c = 1 − βᵗ` ("uncorrected": ε beside the moment before its correction, as Hugging Face's AdamW
   * and ONNX Runtime's adam_mode 1 have it).
   */
  readonly placement?: "outside" | "inside" | "uncorrected";
}

/**
 * Adam's denominator: `1/(√v + ε)`, v an EMA of x²: an estimate of diag(E[g gᵀ])^−½.
 *
 * It mixes both purposes: the second moment holds the signal, the noise and, through the signal,
 * the curvature. A component that was always 0 gets factor 0 when ε is 0.
 *
 * Source: Kingma & Ba, "Adam" (2015), arXiv 1412.6980.
 *
 * @throws {RangeError} For options out of range.
 * @throws {TypeError} For an option that is unknown or of the wrong type.
 *
 * @example
 * ```ts
 * import { chain, learningRate, scaleBy } from "@precond/core";
 * import { inverseRms } from "@precond/core/pieces";
 *
 * chain(scaleBy(inverseRms({ decay: 0.99, epsilon: 1e-8 })), learningRate(1e-3)); // RMSProp, debiased
 * ```
 */
export function inverseRms(options: InverseRmsOptions = {}): PreconditionerEstimator {
  const action = "scale by the inverse RMS";
  const given = checkOptions(action, options, {
    decay: kinds.decay,
    debias: kinds.flag,
    epsilon: kinds.normal,
    placement: kinds.oneOf("outside", "inside", "uncorrected"),
  });
  const { decay = 0.999, debias = true, epsilon = 1e-8, placement = "outside" } = given;
  if (placement === "uncorrected" && !debias) {
    throw new RangeError(
      `Cannot ${action}: placement "uncorrected" needs debias, current value is ${debias}`,
    );
  }
  return {
    ...specify("inverseRms", given),
    name: "inverseRms",
    needs: ["gradient"],
    slots: { v: { merge: "mean" } },
    ...(debias ? {} : { meaning: "biased" }),
    scalars: ({ step }) => ({
      ...weights(newestWeight(decay, step, debias)),
      // √c/(√(c v) + ε) = 1/(√v + ε/√c)
      ...(placement === "uncorrected" ? { epsilon: epsilon / Math.sqrt(1 - decay ** step) } : {}),
    }),
    estimate({ x, slot, scalar }) {
      const v = average(decay, slot("v"), square(x), scalar);
      const denominator = placement === "inside"
        ? sqrt(add(v, epsilon))
        : add(sqrt(v), placement === "outside" ? epsilon : scalar("epsilon"));
      return {
        factor: epsilon > 0 ? div(1, denominator) : divide0(1, denominator),
        slots: { v },
      };
    },
  };
}
