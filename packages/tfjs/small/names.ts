/**
 * What the package exports, without the code that an optimizer may do without.
 *
 * @module
 */
export * from "@precond/core";
export { toSeries } from "@precond/core/backend";
export {
  constant,
  cosine,
  exponential,
  expr,
  inverseMaximum,
  inverseRms,
  inverseRootSum,
  linear,
  normalizedSignal,
  signMomentum,
  stepDecay,
  warmRestarts,
  warmUp,
} from "@precond/core/pieces";
export { evidenceLoss, type EvidenceLossOptions } from "../evidence/evidence_loss.ts";
export {
  type BatchTensors,
  type BatchTrainer,
  fitMicroBatches,
  type FitMicroBatchesOptions,
} from "../evidence/fit_micro_batches.ts";
export { binary, classification, squaredError } from "../evidence/likelihood.ts";
export {
  type BatchOptions,
  isLikelihood,
  type LikelihoodLoss,
} from "../evidence/likelihood_loss.ts";
export type { LossFunction, LossName } from "../evidence/losses.ts";
export { type CompiledModel, withEvidence } from "../evidence/with_evidence.ts";
export { PrecondOptimizer } from "../optimizer/optimizer.ts";
export type { Cost, PrecondOptions, TensorEvidence } from "../optimizer/options.ts";
export { precond } from "../optimizer/precond.ts";
