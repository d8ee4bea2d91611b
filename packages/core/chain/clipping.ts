/**
 * How many elements the bounds of a chain change, and whether a bound on a norm scales the step.
 *
 * @module
 */
import { type Cond, type Expr, or, select, sum } from "../kernel/expr.ts";
import { compileProgram, type Program } from "../kernel/program.ts";
import type { Clipping } from "./types.ts";

/** What is counted; a clipping program writes those that its chain has, one number a tensor. */
export const clippingKinds: readonly (keyof Clipping)[] = ["elements", "norm"];

const either = (a: Cond | undefined, b: Cond | undefined) => a && b && a !== b ? or(a, b) : a ?? b;

/** What either of two stages clips: an element that both do counts once. */
export function mergeClipping(a: Clipping = {}, b: Clipping = {}): Clipping {
  const entries = clippingKinds.map((kind) => [kind, either(a[kind], b[kind])] as const);
  return Object.fromEntries(entries.filter(([, condition]) => condition));
}

/** The program that counts; undefined without bounds. A step that is held clips nothing. */
export function clippingProgram(clipping: Clipping, hold: Cond | undefined): Program | undefined {
  const count = (kind: keyof Clipping, condition: Cond): Expr => {
    const one = select(condition, 1, 0);
    const value = kind === "elements" ? sum(one, "tensor") : one;
    return hold ? select(hold, 0, value) : value;
  };
  const outputs = clippingKinds.flatMap((kind) => {
    const condition = clipping[kind];
    return condition
      ? [{ name: `clipped.${kind}`, shape: "tensor" as const, value: count(kind, condition) }]
      : [];
  });
  return outputs.length > 0 ? compileProgram({ outputs }) : undefined;
}
