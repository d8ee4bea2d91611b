/** @module */
import { specify } from "../chain/specification.ts";
import type { ParameterInfo, Transform } from "../chain/types.ts";
import { mul, square } from "../kernel/expr.ts";
import { constant, type Schedule } from "./schedules.ts";

/** Options of {@linkcode learningRate}. */
export interface LearningRateOptions {
  /** A factor for each parameter, such as `({ name }) => name.endsWith("bias") ? 2 : 1`. */
  readonly multiplier?: (parameter: ParameterInfo) => number;
}

/**
 * Multiplies by the learning rate: `η(n) · x`, n the number of updates done before this one.
 *
 * A host may override the rate while training (`optimizer.learningRate = …`).
 *
 * @throws {RangeError} If a rate is negative or not a number, here or when a schedule returns it.
 *
 * @example
 * ```ts
 * import { chain, cosine, learningRate, warmUp } from "@precond/core";
 *
 * chain(learningRate(0.1));
 * chain(learningRate(warmUp({ steps: 100, then: cosine({ from: 0.1, steps: 900 }) })));
 * ```
 */
export function learningRate(
  rate: number | Schedule,
  options: LearningRateOptions = {},
): Transform {
  const schedule = typeof rate === "number" ? constant(rate) : rate;
  const { multiplier } = options;
  return {
    ...specify("learningRate", rate, options),
    name: "learningRate",
    needs: ["gradient"],
    slots: {},
    scales: true,
    perParameter: multiplier !== undefined,
    scalars({ iteration, learningRate: override, parameter }) {
      const base = override ?? schedule(iteration - 1);
      if (!(base >= 0 && base < Infinity)) {
        throw new RangeError(
          `Cannot step: the learning rate of update ${iteration} must be finite and not negative, current value is ${base}`,
        );
      }
      const rate = base * (multiplier?.(parameter) ?? 1);
      if (!(rate >= 0 && rate < Infinity)) {
        throw new RangeError(
          `Cannot step "${parameter.name}": its learning rate must be finite and not negative, current value is ${rate}`,
        );
      }
      return { base, rate };
    },
    apply({ x, gradientSquares, scalar }) {
      const rate = scalar("rate");
      return {
        update: mul(rate, x),
        slots: {},
        ...(gradientSquares ? { gradientSquares: mul(gradientSquares, square(rate)) } : {}),
      };
    },
  };
}
