/** @module */

/** Operators with one input to keep, whose results cost little beside the products that read them. */
export const CHEAP: ReadonlySet<string> = new Set([
  "Gelu",
  "LayerNormalization",
  "RMSNormalization",
]);
