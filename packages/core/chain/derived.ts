/** @module */
import { read, scalar, sum } from "../kernel/expr.ts";
import { compileProgram, type Program } from "../kernel/program.ts";
import { mergingOf } from "./merging.ts";
import type { Chain } from "./chain.ts";

/** A program that writes the slots that follow from others, from those as they are; undefined without any. */
export function derivedProgram({ stages }: Pick<Chain, "stages">): Program | undefined {
  const outputs = stages.flatMap(({ name, transform }) => {
    const merging = mergingOf(transform);
    const shapeOf = (key: string) => merging.slots[key]?.shape ?? "element";
    const derived = merging.derive?.({
      slot: (key) => read(`${name}.${key}`, shapeOf(key)),
      scalar: (key) => scalar(`${name}.${key}`),
      sum,
    });
    return Object.entries(derived ?? {}).map(([key, value]) => ({
      name: `${name}.${key}`,
      shape: shapeOf(key),
      value,
    }));
  });
  return outputs.length === 0 ? undefined : compileProgram({ outputs });
}
