/** @module */
import { checkOptions, checkValue } from "../checks.ts";
import { specify } from "../chain/specification.ts";
import type { ParameterInfo, Transform } from "../chain/types.ts";
import * as kinds from "../kinds.ts";
import { add, mul, square, sub } from "../kernel/expr.ts";
import { constant, type Schedule } from "./schedules.ts";

/** Options of {@linkcode learningRate}. */
export interface LearningRateOptions {
  /** A factor for each parameter, such as `({ name }) => name.endsWith("bias") ? 2 : 1`; default 1. */
  readonly multiplier?: (parameter: ParameterInfo) => number;
  /**
   * Decays the weights after the update: `w ← (1 − ηλ)(w − ηx)`, as Hugging Face's AdamW and ONNX
   * Runtime's adam_mode 1 do; decoupledWeightDecay() decays before it. Default 0.
   */
  readonly decayAfter?: number;
}

/**
 * Multiplies by the learning rate: `η(n) · x`, n the number of updates done before this one.
 *
 * A host may override the rate while training (`optimizer.learningRate = …`): that of the chain's last
 * learning rate.
 *
 * @throws {RangeError} If a rate is negative or not a number, here or when a schedule returns it;
 * if `decayAfter` is negative.
 * @throws {TypeError} For what is neither a number nor a function, or an unknown option.
 *
 * @example
 * ```ts
 * import { chain, learningRate } from "@precond/core";
 * import { cosine, warmUp } from "@precond/core/pieces";
 *
 * chain(learningRate(0.1));
 * chain(learningRate(warmUp({ steps: 100, then: cosine({ from: 0.1, steps: 900 }) })));
 * ```
 */
export function learningRate(
  rate: number | Schedule,
  options: LearningRateOptions = {},
): Transform {
  const action = "set the learning rate";
  checkValue(action, rate, kinds.rate, "rate");
  const given = checkOptions(action, options, {
    multiplier: kinds.callable,
    decayAfter: kinds.nonNegative,
  });
  const schedule = typeof rate === "number" ? constant(rate) : rate;
  const { multiplier, decayAfter = 0 } = given;
  return {
    ...specify("learningRate", rate, given),
    name: "learningRate",
    needs: ["gradient"],
    slots: {},
    scales: true,
    perParameter: multiplier !== undefined,
    meaning: "rate",
    learningRate: (updates) => schedule(updates),
    scalars({ iteration, learningRate: override, parameter }) {
      const base = override ?? schedule(iteration - 1);
      // What functions of the caller give is known only now.
      checkValue("step", base, kinds.nonNegative, `the learning rate of update ${iteration}`);
      if (multiplier === undefined) return { base, rate: base };
      const action = `step ${JSON.stringify(parameter.name)}`;
      const factor = multiplier(parameter) ?? 1;
      checkValue(action, factor, kinds.nonNegative, "the multiplier of its learning rate");
      const rate = base * factor;
      checkValue(action, rate, kinds.nonNegative, "its learning rate");
      return { base, rate };
    },
    apply({ x, weights, gradientSquares, scalar }) {
      const rate = scalar("rate");
      const step = mul(rate, x);
      return {
        // (1 − ηλ)(w − s) = w − (s + ηλ(w − s))
        update: decayAfter === 0 ? step : add(step, mul(mul(rate, decayAfter), sub(weights, step))),
        slots: {},
        ...(gradientSquares ? { gradientSquares: mul(gradientSquares, square(rate)) } : {}),
      };
    },
  };
}
