/** @module */
import type { ParameterInfo } from "./types.ts";

/** Chooses parameters by exact name, by a pattern that the name contains, or by a predicate. */
export type Match = string | RegExp | ((parameter: ParameterInfo) => boolean);

/** Whether a parameter is chosen. */
export function matches(match: Match, parameter: ParameterInfo): boolean {
  if (typeof match === "function") return match(parameter);
  // A pattern with the flag g keeps its place between calls: search() does not.
  return typeof match === "string" ? match === parameter.name : parameter.name.search(match) >= 0;
}
