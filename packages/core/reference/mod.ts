/**
 * Plain float64 references that follow each formula from the whole history: slow, and obviously right.
 *
 * @module
 */
export * from "./alias_options.ts";
export * from "./aliases.ts";
export * from "./chain.ts";
export * from "./first_order.ts";
export * from "./in_basis.ts";
export * from "./inverse_curvature.ts";
export * from "./inverse_rms.ts";
export * from "./moments.ts";
export * from "./natural.ts";
export * from "./newton.ts";
export * from "./noisy_quadratic.ts";
export * from "./normalized_signal.ts";
export * from "./scale_by.ts";
export * from "./schedules.ts";
export * from "./separable_problems.ts";
export * from "./signal_fraction.ts";
export * from "./transforms.ts";
export * from "./types.ts";
export type { Rows } from "./_matrices.ts";
