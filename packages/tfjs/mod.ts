/**
 * Preconditioned optimizers for TensorFlow.js.
 *
 * @module
 */
export * from "@precond/core";
export {
  binary,
  classification,
  isLikelihood,
  type LikelihoodLoss,
  squaredError,
} from "./evidence/likelihood.ts";
export {
  precond,
  PrecondOptimizer,
  type PrecondOptions,
  type TensorEvidence,
} from "./optimizer.ts";
