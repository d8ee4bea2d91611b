/**
 * Named optimizers.
 *
 * @module
 */
export type { AliasOptions, RecommendedOptions } from "./options.ts";
export * from "./published.ts";
export * from "./recommended.ts";
export * from "./sampled.ts";
