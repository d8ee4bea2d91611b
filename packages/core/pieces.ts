/**
 * Every piece that a chain may be made of, learning rate schedules, and the language that new pieces
 * are written in. Those that most chains need are in
 * {@link https://www.npmjs.com/package/@precond/core | the root}, too.
 *
 * @module
 */
export { type Composed, type InBasis, inBasis } from "./basis/in_basis.ts";
export { kronecker, type KroneckerOptions } from "./basis/kronecker.ts";
export type { BasisWork, KroneckerBasis } from "./basis/types.ts";
export { type Chain, chain } from "./chain/chain.ts";
export type { Match } from "./chain/match.ts";
export { type Definition, type Group, type Grouped, perParameter } from "./chain/per_parameter.ts";
export { scaleBy, type ScaleByOptions } from "./chain/scale_by.ts";
export type * from "./chain/types.ts";
export * as expr from "./kernel/expr.ts";
export type { ArrayShape, Cond, Expr, Operand, Scope } from "./kernel/expr.ts";
export * from "./estimators/mod.ts";
export * from "./transforms/mod.ts";
