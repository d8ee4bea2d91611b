/** @module */
import type { NodeContext } from "./rule.ts";

/** Axes of a reduction that are known; undefined where they are not. */
export function knownAxes(n: NodeContext): number[] | undefined {
  const rank = n.dims(0)?.length;
  const name = n.input(1);
  const given = name === undefined ? n.ints("axes") : n.b.known(name);
  if (given === undefined && name !== undefined) return undefined;
  if (rank === undefined) return undefined;
  if (given === undefined || given.length === 0) {
    return n.int("noop_with_empty_axes", 0) !== 0 ? [] : Array.from({ length: rank }, (_, k) => k);
  }
  return given.map((a) => Number(a) < 0 ? Number(a) + rank : Number(a));
}
