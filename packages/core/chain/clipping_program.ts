/** @module */
import { type Cond, type Expr, select, sum } from "../kernel/expr.ts";
import { compileProgram, type Program } from "../kernel/program.ts";
import { clippingKinds, type Clips } from "./clipping.ts";
import type { Clipping } from "./types.ts";

const programs = new WeakMap<Clips, { readonly program: Program | undefined }>();

/**
 * A program that counts how many elements the bounds of a step change, and whether a bound on a norm
 * scales it, run before it; undefined without bounds. A step that is held clips nothing.
 */
export function clippingProgram(clips: Clips): Program | undefined {
  let known = programs.get(clips);
  if (!known) programs.set(clips, known = { program: make(clips) });
  return known.program;
}

function make({ clipped, hold }: Clips): Program | undefined {
  const count = (kind: keyof Clipping, condition: Cond): Expr => {
    const one = select(condition, 1, 0);
    const value = kind === "elements" ? sum(one, "tensor") : one;
    return hold ? select(hold, 0, value) : value;
  };
  const outputs = clippingKinds.flatMap((kind) => {
    const condition = clipped[kind];
    return condition
      ? [{ name: `clipped.${kind}`, shape: "tensor" as const, value: count(kind, condition) }]
      : [];
  });
  return outputs.length > 0 ? compileProgram({ outputs }) : undefined;
}
