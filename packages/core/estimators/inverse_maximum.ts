/** @module */
import { checkOptions } from "../checks.ts";
import { specify } from "../chain/specification.ts";
import type { PreconditionerEstimator } from "../chain/types.ts";
import { abs, add, divide0, max, mul } from "../kernel/expr.ts";
import * as kinds from "../kinds.ts";

/** Options of {@linkcode inverseMaximum}. */
export interface InverseMaximumOptions {
  /** Decay of the maximum, in [0, 1); default 0.999. */
  readonly decay?: number;
  /** Default 1e-8. */
  readonly epsilon?: number;
}

/**
 * Adamax's denominator: `1/(u + ε)` with `u ← max(βu, |x|)`, the decaying maximum of each element.
 *
 * Source: Kingma & Ba (2015), arXiv 1412.6980, section 7.1.
 *
 * @throws {TypeError | RangeError} For unknown options, or options out of range.
 *
 * @example
 * ```ts
 * import { chain, learningRate, momentum, scaleBy } from "@precond/core";
 * import { inverseMaximum } from "@precond/core/pieces";
 *
 * chain(scaleBy(inverseMaximum(), { to: momentum() }), learningRate(0.002)); // adamax()
 * ```
 */
export function inverseMaximum(options: InverseMaximumOptions = {}): PreconditionerEstimator {
  const given = checkOptions("scale by the inverse maximum", options, {
    decay: kinds.decay,
    epsilon: kinds.normal,
  });
  const { decay = 0.999, epsilon = 1e-8 } = given;
  return {
    ...specify("inverseMaximum", given),
    name: "inverseMaximum",
    needs: ["gradient"],
    slots: { u: { merge: "maximum" } },
    scalars: () => ({}),
    estimate({ x, slot }) {
      const u = max(mul(decay, slot("u")), abs(x));
      return { factor: divide0(1, add(u, epsilon)), slots: { u } };
    },
  };
}
