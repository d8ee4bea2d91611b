/** @module */
import { specify } from "../chain/specification.ts";
import { checkOptions, checkValue } from "../checks.ts";
import { type Match, matches } from "../chain/match.ts";
import type { Transform } from "../chain/types.ts";
import * as kinds from "../kinds.ts";
import { add, mul } from "../kernel/expr.ts";

/** Options of {@linkcode decoupledWeightDecay}. */
export interface WeightDecayOptions {
  /** Which parameters decay; default all. */
  readonly match?: Match;
}

/**
 * Decoupled weight decay: `x + λw`, w the weights before the step.
 *
 * Put it after the estimators and before the learning rate, as AdamW does: statistics must not see
 * the decay.
 *
 * Source: Loshchilov & Hutter (2019), arXiv 1711.05101.
 *
 * @throws {RangeError} If the rate is negative or not finite.
 * @throws {TypeError} For an option that is unknown or of the wrong type.
 *
 * @example
 * ```ts
 * import { chain, decoupledWeightDecay, learningRate } from "@precond/core";
 *
 * chain(decoupledWeightDecay(0.01, { match: /kernel/ }), learningRate(0.1));
 * ```
 */
export function decoupledWeightDecay(rate: number, options: WeightDecayOptions = {}): Transform {
  const action = "decay weights";
  checkValue(action, rate, kinds.nonNegative, "rate");
  const given = checkOptions(action, options, { match: kinds.match });
  const { match } = given;
  return {
    ...specify("decoupledWeightDecay", rate, given),
    name: "decoupledWeightDecay",
    needs: ["gradient"],
    slots: {},
    perParameter: match !== undefined,
    scalars: ({ parameter }) => ({
      rate: match === undefined || matches(match, parameter) ? rate : 0,
    }),
    apply: ({ x, weights, scalar }) => ({
      update: add(x, mul(scalar("rate"), weights)),
      slots: {},
    }),
  };
}
