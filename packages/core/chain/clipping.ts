/**
 * What the bounds of a chain change.
 *
 * @module
 */
import { type Cond, or } from "../kernel/expr.ts";
import type { Clipping } from "./types.ts";

/** What is counted; a clipping program writes those that its chain has, one number a tensor. */
export const clippingKinds: readonly (keyof Clipping)[] = ["elements", "norm"];

const either = (a: Cond | undefined, b: Cond | undefined) => a && b && a !== b ? or(a, b) : a ?? b;

/** What either of two stages clips: an element that both do counts once. */
export function mergeClipping(a: Clipping = {}, b: Clipping = {}): Clipping {
  const entries = clippingKinds.map((kind) => [kind, either(a[kind], b[kind])] as const);
  return Object.fromEntries(entries.filter(([, condition]) => condition));
}

/** What a program clips, unless its step is held. */
export interface Clips {
  readonly clipped: Clipping;
  readonly hold: Cond | undefined;
}
