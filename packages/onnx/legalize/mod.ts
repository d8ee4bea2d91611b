/** @module */
export { legalize } from "./legalize.ts";
export type { InputChange, Legalized, LegalizeOptions } from "./legalize_with.ts";
export type { Target } from "./target.ts";
