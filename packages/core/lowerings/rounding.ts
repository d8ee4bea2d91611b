/**
 * Where host code that computes in float64 rounds to float32.
 *
 * @module
 */
import type { Program } from "../kernel/program.ts";

/** The least number that is infinite as float32. */
export const firstInfinite: number = 2 ** 128 - 2 ** 103;

/**
 * Nodes whose value is stored, of a step that is not held, too: other nodes use them as they are
 * stored. Averages that overflow are then infinite at once, as where all arithmetic is float32.
 */
export function storedNodes(program: Program): ReadonlySet<number> {
  const stored = program.outputs.flatMap(({ node }) => {
    const { op, args } = program.nodes[node]!;
    return op === "select" && args[0] === program.hold ? [node, ...args.slice(1)] : [node];
  });
  const used = new Set(program.nodes.flatMap(({ args }) => args));
  return new Set(stored.filter((id) => used.has(id) && !program.nodes[id]!.boolean));
}
