/** @module */
import {
  type Chain,
  chain,
  clipByGlobalNorm,
  decoupledWeightDecay,
  learningRate,
  momentum,
  scaleBy,
  type Schedule,
} from "@precond/core";
import { inverseRms } from "@precond/core/pieces";
import type { OptimizerHyperparameters } from "@precond/onnx";

/** The learning rate that ONNX Runtime's TrainingSession starts with. */
export const DEFAULT_LEARNING_RATE = 1e-3;

/**
 * The chain of an optimizer model: AdamW in either of its modes, or gradient descent, with the
 * clipping that it asks for.
 *
 * @param rate Default 0.001, as ONNX Runtime has it; optimizer models hold none.
 *
 * @example
 * ```ts
 * import { optimizerOf } from "@precond/onnxruntime";
 *
 * const likeOrt = optimizerOf({
 *   type: "adamw",
 *   alpha: 0.9,
 *   beta: 0.999,
 *   epsilon: 1e-6,
 *   weightDecay: 0,
 *   correctBias: true,
 *   adamMode: 1,
 * });
 * ```
 */
export function optimizerOf(
  hyperparameters: OptimizerHyperparameters,
  rate: number | Schedule = DEFAULT_LEARNING_RATE,
): Chain {
  const clip = hyperparameters.clipNorm === undefined
    ? []
    : [clipByGlobalNorm(hyperparameters.clipNorm)];
  if (hyperparameters.type === "sgd") return chain(...clip, learningRate(rate));
  const { alpha, beta, epsilon, weightDecay, correctBias: debias, adamMode } = hyperparameters;
  const placement = adamMode === 1 && debias ? "uncorrected" : "outside";
  const adam = scaleBy(inverseRms({ decay: beta, epsilon, debias, placement }), {
    to: momentum({ decay: alpha, debias }),
  });
  if (adamMode === 1) {
    return chain(...clip, adam, learningRate(rate, { decayAfter: weightDecay }));
  }
  const decay = weightDecay === 0 ? [] : [decoupledWeightDecay(weightDecay)];
  return chain(...clip, adam, ...decay, learningRate(rate));
}
