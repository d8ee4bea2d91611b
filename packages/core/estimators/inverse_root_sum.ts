/** @module */
import { checkOptions } from "../checks.ts";
import { specify } from "../chain/specification.ts";
import type { PreconditionerEstimator } from "../chain/types.ts";
import { add, divide0, sqrt, square } from "../kernel/expr.ts";
import * as kinds from "../kinds.ts";

/** Options of {@linkcode inverseRootSum}. */
export interface InverseRootSumOptions {
  /** Where the sum starts; default 0.1. */
  readonly initial?: number;
  /** Default 1e-7. */
  readonly epsilon?: number;
}

/**
 * Adagrad's denominator: `1/√(Σ x² + ε)`, the sum over all steps.
 *
 * Source: Duchi, Hazan & Singer (2011), JMLR 12.
 *
 * @throws {TypeError | RangeError} For unknown options, or options out of range.
 *
 * @example
 * ```ts
 * import { chain, learningRate, scaleBy } from "@precond/core";
 * import { inverseRootSum } from "@precond/core/pieces";
 *
 * chain(scaleBy(inverseRootSum()), learningRate(0.01)); // adagrad()
 * ```
 */
export function inverseRootSum(options: InverseRootSumOptions = {}): PreconditionerEstimator {
  const given = checkOptions("scale by the inverse root of the sum", options, {
    initial: kinds.nonNegative,
    epsilon: kinds.normal,
  });
  const { initial = 0.1, epsilon = 1e-7 } = given;
  return {
    ...specify("inverseRootSum", given),
    name: "inverseRootSum",
    needs: ["gradient"],
    slots: { sum: { fill: initial, merge: "mean" } },
    scalars: () => ({}),
    estimate({ x, slot }) {
      const total = add(slot("sum"), square(x));
      return { factor: divide0(1, sqrt(add(total, epsilon))), slots: { sum: total } };
    },
  };
}
