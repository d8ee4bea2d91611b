/**
 * Preconditioned optimizers for jax-js.
 *
 * @module
 */
export * from "@precond/core";
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
export type { Likelihood } from "./evidence/likelihood.ts";
export {
  type EvidenceFunction,
  type EvidenceOptions,
  valueAndEvidence,
} from "./evidence/value_and_evidence.ts";
export { applyUpdates } from "./solver/apply_updates.ts";
export { type ArrayTree, precond, type Solver, type TreeEvidence } from "./solver/precond.ts";
export type { SolverState } from "./solver/state.ts";
