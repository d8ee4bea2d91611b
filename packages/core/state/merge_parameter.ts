/**
 * What one parameter has in the states of several optimizers, as one.
 *
 * @module
 */
import { mergingOf } from "../chain/merging.ts";
import type { MergedScalars, Scalars } from "../chain/types.ts";
import { mergeBases } from "./merge_bases.ts";
import type { Kinship } from "./merge_lineage.ts";
import type { Part } from "./merge_part.ts";
import { dependsOnBase, derive, mergeSlots } from "./merge_slots.ts";
import type { SavedParameter } from "./optimizer_state.ts";

/** The parameter in the merged state. */
export type Merged = Pick<Part, "entry" | "slots">;

/**
 * Merges one parameter.
 *
 * @param given The state that all started from; or two states that have one in common which is not given.
 * @throws {TypeError} For different shapes, sides or histories, slots that cannot be merged, and where
 * what is merged depends on a base that is not given.
 */
export function mergeParameter(
  name: string,
  all: readonly Part[],
  given: { readonly base?: Part | undefined; readonly kin?: Kinship | undefined },
): Merged {
  const { base, kin } = given;
  const [first] = all;
  for (const other of base ? [...all, base] : all) checkAlike(name, first!, other);
  const counted = all.filter(({ weight }) => weight > 0);
  if (counted.length === 1) return counted[0]!;
  // What never took a step has no averages.
  const stepped = counted.filter(({ scalars }) => scalars);
  if (stepped.length === 0) return counted[0]!;
  const total = stepped.reduce((sum, { weight }) => sum + weight, 0);
  const parts = stepped.map((part) => ({ ...part, weight: part.weight / total }));
  const from = base?.scalars ? base : undefined;
  checkAges(name, parts, from);
  if (kin && parts.length > 1 && dependsOnBase(parts)) {
    throw new TypeError(
      `Cannot merge "${name}": ${kin.one.label} and ${kin.other.label} come from one merged state, whose ` +
        `samples would count as of both; give it as base, or independent: true`,
    );
  }
  const scalars = mergeScalars(parts, from);
  const bases = mergeBases(name, parts);
  const slots = mergeSlots(name, bases.parts, counted, from);
  for (const [slot, array] of bases.slots) slots.set(slot, array);
  derive(name, parts[0]!, scalars, slots);
  const { chain, entry } = parts[0]!;
  const most = (of: (entry: SavedParameter) => number) =>
    Math.max(...parts.map(({ entry }) => of(entry)));
  return {
    entry: {
      ...entry,
      step: most(({ step }) => step),
      samples: {
        gradientSquares: most(({ samples }) => samples.gradientSquares),
        curvature: most(({ samples }) => samples.curvature),
      },
      scalars: Object.fromEntries(chain.stages.map((stage, i) => [stage.name, scalars[i]!])),
    },
    // In the order in which they are saved.
    slots: new Map([...parts[0]!.slots.keys()].map((slot) => [slot, slots.get(slot)!])),
  };
}

function checkAlike(name: string, first: Part, other: Part): void {
  const sides = ({ entry }: Part) => JSON.stringify(entry.sides ?? "none");
  const differs = first.entry.shape.join() !== other.entry.shape.join()
    ? [`shape [${first.entry.shape}]`, `[${other.entry.shape}]`]
    : sides(first) !== sides(other)
    ? [`a basis of the sides ${sides(first)}`, `${sides(other)}; give kronecker() sides`]
    : undefined;
  if (differs === undefined) return;
  throw new TypeError(
    `Cannot merge "${name}": ${first.label} has ${differs[0]}, ${other.label} ${differs[1]}`,
  );
}

function checkAges(name: string, parts: readonly Part[], base: Part | undefined): void {
  const young = base && parts.find(({ entry }) => entry.step < base.entry.step);
  if (!young) return;
  throw new TypeError(
    `Cannot merge "${name}": ${young.label} has taken ${young.entry.step} steps, base ` +
      `${base!.entry.step}; base must be the state that all started from`,
  );
}

/** The numbers of each stage. */
function mergeScalars(parts: readonly Part[], base: Part | undefined): Scalars[] {
  return parts[0]!.chain.stages.map(({ transform }, i) => {
    const of = ({ weight, entry, scalars }: Part): MergedScalars => ({
      weight,
      step: entry.step,
      scalars: scalars![i]!,
    });
    const states = parts.map(of);
    const [first] = states;
    const mean = Object.keys(first!.scalars).map((key) => {
      const values = states.map(({ scalars }) => scalars[key]!);
      return [
        key,
        values.every((value) => value === values[0])
          ? values[0]!
          : values.reduce((sum, value, k) => sum + states[k]!.weight * value, 0),
      ];
    });
    const own = mergingOf(transform).mergeScalars?.(states, base && of(base));
    return { ...Object.fromEntries(mean), ...own };
  });
}
