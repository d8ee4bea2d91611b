/**
 * How states of a transform are merged, with what belongs to the one that it scales.
 *
 * @module
 */
import { inner, innerInputs, innerPart, prefixed } from "./scale_by.ts";
import type { MergedScalars, Piece, SlotMerge, SlotSpec, Transform } from "./types.ts";

/** What merging asks of a piece. */
export type Merging = Pick<Piece, "slots" | "mergeScalars" | "derive">;

/** A transform's own, and under the names that they have in it those of `to`. */
export function mergingOf(transform: Transform): Merging {
  const { to, slots } = transform;
  if (!to) return transform;
  const inside = mergingOf(to);
  const of = (state: MergedScalars) => ({ ...state, scalars: innerPart(state.scalars)! });
  return {
    slots: { ...slots, ...prefixed(renamed(inside.slots)) },
    mergeScalars: (states, base) => ({
      ...transform.mergeScalars?.(states, base),
      ...prefixed(inside.mergeScalars?.(states.map(of), base && of(base)) ?? {}),
    }),
    derive: (inputs) => ({
      ...transform.derive?.(inputs),
      ...prefixed(inside.derive?.(innerInputs(inputs)) ?? {}),
    }),
  };
}

/** Slots whose merging names others of them. */
function renamed(slots: Merging["slots"]): Merging["slots"] {
  return Object.fromEntries(
    Object.entries(slots).map(([key, slot]): [string, SlotSpec] => [
      key,
      slot.merge ? { ...slot, merge: renamedRule(slot.merge) } : slot,
    ]),
  );
}

function renamedRule(merge: SlotMerge): SlotMerge {
  if (typeof merge === "string") return merge;
  return "meanWhere" in merge
    ? { meanWhere: inner + merge.meanWhere }
    : { deviationFrom: inner + merge.deviationFrom };
}
