/**
 * Separate, composable preconditioners for training: curvature and signal-to-noise.
 *
 * Learning rate schedules, and what only chains of one's own need, are in `@precond/core/pieces`; what
 * adapters are made of is in `@precond/core/backend`.
 *
 * @module
 */
export * from "./aliases/mod.ts";
export { type Composed, type InBasis, inBasis } from "./basis/in_basis.ts";
export { kronecker, type KroneckerOptions } from "./basis/kronecker.ts";
export type { KroneckerBasis } from "./basis/types.ts";
export { type Chain, chain } from "./chain/chain.ts";
export type { Match } from "./chain/match.ts";
export { type Definition, type Group, type Grouped, perParameter } from "./chain/per_parameter.ts";
export { scaleBy, type ScaleByOptions } from "./chain/scale_by.ts";
export type * from "./chain/types.ts";
export type { ArrayShape, Cond, Expr, Operand, Scope } from "./kernel/expr.ts";
export {
  type ArrayContribution,
  createOptimizer,
  type Optimizer,
  type OptimizerOptions,
} from "./optimizer.ts";
export {
  type Advice,
  advise,
  type ClippedReport,
  type NoiseReport,
  type TelemetryOptions,
  type TelemetryReport,
} from "./evidence/report.ts";
export {
  type CombinedReplicas,
  combineReplicas,
  type NamedArrays,
  type Replica,
} from "./evidence/replicas.ts";
export { type MergeOptions, mergeStates } from "./state/merge_states.ts";
export * from "./estimators/curvature_source.ts";
export { inverseCurvature } from "./estimators/inverse_curvature.ts";
export { signalFraction } from "./estimators/signal_fraction.ts";
export type * from "./estimators/mod.ts";
export { averageWeights } from "./transforms/average_weights.ts";
export { decoupledWeightDecay } from "./transforms/decoupled_weight_decay.ts";
export { learningRate } from "./transforms/learning_rate.ts";
export { momentum } from "./transforms/momentum.ts";
export { clipByGlobalNorm, clipByValue, unitNorm } from "./transforms/norms.ts";
export { reduceOnPlateau } from "./transforms/reduce_on_plateau.ts";
export { skipNonFinite } from "./transforms/skip_non_finite.ts";
export type * from "./transforms/mod.ts";
