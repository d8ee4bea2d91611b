/**
 * Slots of several states as those of one.
 *
 * @module
 */
import { derivedProgram } from "../chain/derived.ts";
import { mergingOf } from "../chain/merging.ts";
import type { Scalars, SlotMerge, SlotSpec } from "../chain/types.ts";
import { arrayBackend } from "../driver/array_backend.ts";
import { layout } from "../driver/backend.ts";
import { planOf, scalarVector } from "../driver/plan.ts";
import { type Part, sharesOf } from "./merge_part.ts";
import type { NamedArray } from "./safetensors.ts";
import { meanOf, type Share } from "./weighted_mean.ts";

/**
 * The slots of all stages, but for those that follow from others.
 *
 * @param counted Parts that never took a step included: they, too, may have counted something.
 * @throws {TypeError} For a slot that cannot be merged, or does not say how.
 */
export function mergeSlots(
  name: string,
  parts: readonly Part[],
  counted: readonly Part[],
  base: Part | undefined,
): Map<string, NamedArray> {
  const merged = new Map<string, NamedArray>();
  const { chain, slots } = parts[0]!;
  chain.stages.forEach((stage, i) => {
    for (const [key, spec] of Object.entries(mergingOf(stage.transform).slots)) {
      const full = `${stage.name}.${key}`;
      const rule = ruleOf(`merge "${name}": ${full}`, spec, base !== undefined);
      if (rule === "derived") continue;
      const shares = sharesOf(rule === "sum" ? counted : parts, full);
      const flags = (scalar: string) => parts.map(({ scalars }) => scalars![i]![scalar]);
      const elements = typeof rule === "string"
        ? rules[rule](shares, base?.slots.get(full)?.values)
        : "meanWhere" in rule
        ? meanOf(whereSet(shares, flags(rule.meanWhere)))
        : deviations(shares, sharesOf(parts, `${stage.name}.${rule.deviationFrom}`));
      const { shape, values } = slots.get(full)!;
      merged.set(full, { shape, values: values.map((_, k) => elements(k)) });
    }
  });
  return merged;
}

/**
 * Whether what is merged depends on a base: on samples that all states have, which count once. Numbers of
 * held steps do if there are any.
 */
export function dependsOnBase(parts: readonly Part[]): boolean {
  const [{ chain, weight, entry, scalars }] = parts as [Part];
  return chain.stages.some(({ name, transform }, i) => {
    const counts = Object.entries(transform.slots).some(([key, { merge }]) =>
      merge === "spread" || merge === "sum" &&
        parts.every(({ slots }) => slots.get(`${name}.${key}`)!.values.some((n) => n > 0))
    );
    if (counts || !transform.mergeScalars) return counts;
    const twice = [weight, 1 - weight].map((p) => ({
      weight: p,
      step: entry.step,
      scalars: scalars![i]!,
    }));
    const [without, from] = [undefined, twice[0]].map((base) =>
      JSON.stringify(transform.mergeScalars!(twice, base))
    );
    return without !== from;
  });
}

function ruleOf(what: string, { merge, turns }: SlotSpec, hasBase: boolean): SlotMerge {
  const rule = merge ?? (turns ? "mean" : undefined);
  if (rule === undefined) {
    throw new TypeError(`Cannot ${what} does not say how; give the slot merge`);
  }
  if (rule === "spread" && hasBase) {
    throw new TypeError(
      `Cannot ${what} has a memory of each element's own, so that nobody knows how much of base is ` +
        'left in it; let clients start each round afresh and leave out base, or take memory "fixed"',
    );
  }
  return rule;
}

/** The value of an element. */
type Elements = (k: number) => number;

const sumOf = (shares: readonly Share[], term: (share: Share) => number): number => {
  let sum = 0;
  for (const share of shares) sum += term(share);
  return sum;
};

/** Σ p (D + (m − m̄)²) */
const deviations = (shares: readonly Share[], centres: readonly Share[]): Elements => {
  const mean = meanOf(centres);
  return (k) => {
    const centre = mean(k);
    let sum = 0;
    shares.forEach(({ weight, values }, i) =>
      sum += weight * (values[k]! + (centres[i]!.values[k]! - centre) ** 2)
    );
    return sum;
  };
};

/** The states that have something, with weights that add up to 1. */
function whereSet(shares: readonly Share[], flags: readonly (number | undefined)[]): Share[] {
  const set = shares.filter((_, i) => flags[i]);
  const total = sumOf(set, ({ weight }) => weight);
  return set.map((share) => ({ ...share, weight: share.weight / total }));
}

const rules: Readonly<
  Record<
    Exclude<SlotMerge, object | "derived">,
    (shares: readonly Share[], base: ArrayLike<number> | undefined) => Elements
  >
> = {
  mean: meanOf,
  sum: (shares, base) => (k) =>
    sumOf(shares, ({ values }) => values[k]!) - (base ? (shares.length - 1) * base[k]! : 0),
  maximum: (shares) => (k) => Math.max(...shares.map(({ values }) => values[k]!)),
  // 1 − Σ p² (1 − x), without cancellation.
  spread: (shares) => {
    const rest = 1 - sumOf(shares, ({ weight }) => weight * weight);
    return (k) => rest + sumOf(shares, ({ weight, values }) => weight * weight * values[k]!);
  },
};

/** Adds the slots that follow from others. */
export function derive(
  name: string,
  { chain, slots: old }: Part,
  scalars: readonly Scalars[],
  slots: Map<string, NamedArray>,
): void {
  const program = derivedProgram(chain);
  if (!program) return;
  const backend = arrayBackend();
  const plan = planOf(chain, program);
  const made = plan.outputs.map((slot) => {
    const { shape } = old.get(slot)!;
    return { slot, shape, values: backend.allocate(shape, 0) };
  });
  const shape = made[0]!.shape;
  backend.compile(program).run([{
    ...layout(shape),
    inputs: plan.inputs.map((slot) => slots.get(slot)!.values),
    outputs: made.map(({ values }) => values),
    scalars: scalarVector(chain, plan, scalars, name),
  }]);
  for (const { slot, shape, values } of made) slots.set(slot, { shape, values });
}
