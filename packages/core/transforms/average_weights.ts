/** @module */
import { checkOptions } from "../checks.ts";
import { average, newestWeight, weights as weightsOf } from "../chain/ema.ts";
import { specify } from "../chain/specification.ts";
import type { Transform } from "../chain/types.ts";
import { sub } from "../kernel/expr.ts";
import * as kinds from "../kinds.ts";

/** Options of {@linkcode averageWeights}. */
export interface AverageWeightsOptions {
  /** In [0, 1); default 0.99. */
  readonly decay?: number;
}

/**
 * Keeps an average of the weights, `a ← a + w(θ − a)` with θ the weights after the step and
 * `w = (1−β)/(1−βᵗ)`; the update flows through unchanged. The last stage of a chain.
 *
 * The average is the slot `averageWeights.average`: evaluate and export the model with it (Trainer of
 * `@precond/onnxruntime` does with `exportModel({ averaged: true })`). It is less noisy than the weights, which widens the range of usable learning rates.
 *
 * Source: Polyak & Juditsky (1992); Ruppert (1988).
 *
 * @throws {TypeError | RangeError} For unknown options, or options out of range.
 *
 * @example
 * ```ts
 * import { averageWeights, chain, createOptimizer, learningRate } from "@precond/core";
 *
 * const optimizer = createOptimizer(chain(learningRate(0.1), averageWeights({ decay: 0.999 })));
 * const weights = new Float32Array(2);
 * optimizer.step({ w: { weights, gradient: Float32Array.of(1, -2) } });
 * const averaged = optimizer.slot("w", "averageWeights.average");
 * ```
 */
export function averageWeights(options: AverageWeightsOptions = {}): Transform {
  const given = checkOptions("average the weights", options, { decay: kinds.decay });
  const { decay = 0.99 } = given;
  return {
    ...specify("averageWeights", given),
    name: "averageWeights",
    needs: ["gradient"],
    slots: { average: { merge: "mean" } },
    scales: true,
    scalars: ({ step }) => weightsOf(newestWeight(decay, step)),
    apply({ x, weights, slot, scalar, gradientSquares }) {
      return {
        update: x,
        slots: { average: average(decay, slot("average"), sub(weights, x), scalar) },
        ...(gradientSquares ? { gradientSquares } : {}),
      };
    },
  };
}
