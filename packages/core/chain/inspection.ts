/** @module */
import { read, scalar, sum } from "../kernel/expr.ts";
import { compileProgram, type Program } from "../kernel/program.ts";
import type { Chain } from "./chain.ts";
import type { Inspection } from "./types.ts";

/** The names of a program of {@linkcode inspectionProgram}: its outputs, in order. */
export const inspected: readonly (keyof Inspection)[] = ["fraction", "signal", "noise"];

/**
 * A program that writes what the chain's first signal fraction knows: arrays shaped like the
 * parameter, from the slots as they are. Undefined if no stage estimates noise.
 */
export function inspectionProgram(chain: Chain): Program | undefined {
  const stage = chain.stages.find(({ transform }) => transform.inspect);
  if (!stage) return undefined;
  const { name, transform } = stage;
  const inspection = transform.inspect!({
    slot: (key) => read(`${name}.${key}`, transform.slots[key]?.shape ?? "element"),
    scalar: (key) => scalar(`${name}.${key}`),
    sum,
  });
  return compileProgram({
    outputs: inspected.map((key) => ({
      name: `inspect.${key}`,
      shape: "element",
      value: inspection[key],
    })),
  });
}
