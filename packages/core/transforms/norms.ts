/** @module */
import { specify } from "../chain/specification.ts";
import { checkOptions, checkValue } from "../checks.ts";
import type { Transform } from "../chain/types.ts";
import * as kinds from "../kinds.ts";
import {
  abs,
  add,
  clamp,
  div,
  divide0,
  type Expr,
  gt,
  isFinite,
  le,
  mul,
  not,
  type Scope,
  select,
  sqrt,
  square,
} from "../kernel/expr.ts";

/** Options of {@linkcode unitNorm}. */
export interface UnitNormOptions {
  /** Norm over each row, each tensor (default), or all tensors of the step. */
  readonly scope?: Scope;
  /** Added to the norm; default 0, and then a zero input stays zero. */
  readonly epsilon?: number;
}

/**
 * Scales to unit norm: `x / (‖x‖₂ + ε)`; 0 where the norm is not finite, or overflows float32.
 * Tensors that `skipNonFinite({ scope: "tensor" })` holds have no part in a norm over all.
 *
 * @example
 * ```ts
 * import { chain, learningRate, unitNorm } from "@precond/core";
 *
 * chain(unitNorm({ scope: "all" }), learningRate(0.1)); // normalised gradient descent
 * ```
 */
export function unitNorm(options: UnitNormOptions = {}): Transform {
  const given = checkOptions("scale to unit norm", options, {
    scope: kinds.oneOf("row", "tensor", "all"),
    epsilon: kinds.nonNegative,
  });
  const { scope = "tensor", epsilon = 0 } = given;
  return {
    ...specify("unitNorm", given),
    name: "unitNorm",
    needs: ["gradient"],
    slots: {},
    meaning: `norm:${scope}`,
    scalars: () => ({}),
    apply({ x, sum }) {
      const norm = add(sqrt(sum(square(x), scope)), epsilon);
      // Chosen on the product: 0 · ∞ is NaN.
      return { update: select(isFinite(norm), mul(x, divide0(1, norm)), 0), slots: {} };
    },
  };
}

/**
 * Clips by the global norm: `x · min(1, c/‖x‖₂)`, the norm over all parameters of the chain.
 *
 * A norm that is not finite, or overflows float32, stops the step of all of them; tensors that
 * `skipNonFinite({ scope: "tensor" })` before it holds have no part in the norm.
 *
 * Put it after the estimators: what they see should be the gradient as it came.
 *
 * Source: Pascanu, Mikolov & Bengio (2013), arXiv 1211.5063.
 *
 * @throws {RangeError} If the bound is not positive.
 *
 * @example
 * ```ts
 * import { chain, clipByGlobalNorm, learningRate } from "@precond/core";
 *
 * chain(clipByGlobalNorm(1), learningRate(0.1));
 * ```
 */
export function clipByGlobalNorm(maximum: number): Transform {
  checkValue("clip by global norm", maximum, kinds.positive, "maximum");
  return {
    ...specify("clipByGlobalNorm", maximum),
    name: "clipByGlobalNorm",
    needs: ["gradient"],
    slots: {},
    scales: true,
    scalars: () => ({}),
    apply({ x, gradientSquares, sum }) {
      const norm = sqrt(sum(square(x), "all"));
      const factor = select(gt(norm, maximum), div(maximum, norm), 1);
      const scaled = (a: Expr, by: Expr) => select(isFinite(norm), mul(a, by), 0);
      return {
        // Chosen on the product: 0 · ∞ is NaN.
        update: scaled(x, factor),
        slots: {},
        clipped: { norm: not(le(norm, maximum)) },
        ...(gradientSquares ? { gradientSquares: scaled(gradientSquares, square(factor)) } : {}),
      };
    },
  };
}

/**
 * Clips each element: `max(−c, min(x, c))`.
 *
 * @throws {RangeError} If the bound is not positive.
 *
 * @example
 * ```ts
 * import { chain, clipByValue, learningRate } from "@precond/core";
 *
 * chain(clipByValue(1), learningRate(0.1));
 * ```
 */
export function clipByValue(limit: number): Transform {
  checkValue("clip by value", limit, kinds.positive, "limit");
  return {
    ...specify("clipByValue", limit),
    name: "clipByValue",
    needs: ["gradient"],
    slots: {},
    scalars: () => ({}),
    apply: ({ x }) => ({
      update: clamp(x, limit),
      slots: {},
      clipped: { elements: gt(abs(x), limit) },
    }),
  };
}
