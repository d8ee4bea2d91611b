/** @module */
export { type InputChange, legalize, type Legalized, type LegalizeOptions } from "./legalize.ts";
export type { Target } from "./target.ts";
