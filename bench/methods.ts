/** @module */
import { ablationMethods } from "./methods/ablation.ts";
import { hostDefaults, hostMethods } from "./methods/host.ts";
import type { Method } from "./methods/method.ts";
import { oracleMethods } from "./methods/oracles.ts";
import { shippedMethods, tunedMethods } from "./methods/ours.ts";
import { pieceMethods } from "./methods/pieces.ts";
import { publishedMethods } from "./methods/published.ts";

export type { Family, HostOptimizer, Method, Mode, Rate, Setting } from "./methods/method.ts";

/** Every method, in the order of tables and legends. */
export const methods: readonly Method[] = [
  ...hostMethods,
  ...hostDefaults,
  ...pieceMethods,
  ...shippedMethods,
  ...tunedMethods,
  ...ablationMethods,
  ...publishedMethods,
  ...oracleMethods,
];

/** The method of that name. */
export function methodNamed(name: string): Method {
  const found = methods.find((method) => method.name === name);
  if (!found) throw new RangeError(`Cannot find method "${name}"`);
  return found;
}
