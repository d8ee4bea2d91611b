/**
 * Separate, composable preconditioners for training: curvature and signal-to-noise.
 *
 * What adapters are made of is in `@precond/core/backend`.
 *
 * @module
 */
export * from "./aliases/mod.ts";
export { type InBasis, inBasis } from "./basis/in_basis.ts";
export { kronecker, type KroneckerBasis, type KroneckerOptions } from "./basis/kronecker.ts";
export { type Chain, chain } from "./chain/chain.ts";
export type { Match } from "./chain/match.ts";
export { type Definition, type Group, type Grouped, perParameter } from "./chain/per_parameter.ts";
export { scaleBy, type ScaleByOptions } from "./chain/scale_by.ts";
export type * from "./chain/types.ts";
export * as expr from "./kernel/expr.ts";
export type { ArrayShape, Cond, Expr, Operand, Scope } from "./kernel/expr.ts";
export {
  type ArrayContribution,
  createOptimizer,
  type Optimizer,
  type OptimizerOptions,
} from "./optimizer.ts";
export { loadState, saveState } from "./state/optimizer_state.ts";
export {
  type Advice,
  advise,
  type ClippedReport,
  type NoiseReport,
  type TelemetryOptions,
  type TelemetryReport,
  toSeries,
} from "./evidence/report.ts";
export * from "./estimators/mod.ts";
export * from "./transforms/mod.ts";
