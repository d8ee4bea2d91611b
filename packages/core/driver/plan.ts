/** @module */
import type { Chain } from "../chain/chain.ts";
import type { Scalars } from "../chain/types.ts";
import type { Program } from "../kernel/program.ts";

/** Names of what a program of a chain reads and writes. */
export interface Plan {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Where each scalar is found in `chain.scalars`. */
  readonly scalars: readonly (readonly [stage: number, key: string])[];
}

/** The plan of a program. */
export function planOf(chain: Chain, program: Program): Plan {
  return {
    inputs: program.inputs.map((a) => a.name),
    outputs: program.outputs.map((a) => a.name),
    scalars: program.scalars.map((name) => {
      const dot = name.indexOf(".");
      const stage = chain.stages.findIndex((s) => s.name === name.slice(0, dot));
      return [stage, name.slice(dot + 1)] as const;
    }),
  };
}

/**
 * A program's scalars from those of the stages.
 *
 * @throws {TypeError} If a stage computes none of that name.
 */
export function scalarVector(
  chain: Chain,
  plan: Plan,
  scalars: readonly Scalars[],
  parameter: string,
): Float64Array {
  return Float64Array.from(plan.scalars, ([stage, key]) => {
    const value = scalars[stage]?.[key];
    if (value === undefined) {
      throw new TypeError(
        `Cannot step "${parameter}": stage "${
          chain.stages[stage]?.name
        }" computes no scalar "${key}"`,
      );
    }
    return value;
  });
}
