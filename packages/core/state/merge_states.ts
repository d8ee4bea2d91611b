/**
 * One optimizer state of those of several optimizers.
 *
 * @module
 */
import type { Definition } from "../chain/per_parameter.ts";
import { checkOptions, checkValue, type Kinds } from "../checks.ts";
import * as kinds from "../kinds.ts";
import { checkBase, fingerprint, kinships, pastOf } from "./merge_lineage.ts";
import { mergeParameter } from "./merge_parameter.ts";
import type { Part } from "./merge_part.ts";
import {
  checkEntry,
  parseState,
  readingFor,
  readState,
  type SavedOptimizer,
  type SavedState,
  stageScalars,
  stateText,
  tensorName,
  writeState,
} from "./optimizer_state.ts";
import { readSafetensors } from "./safetensors.ts";

/** Options of {@linkcode mergeStates}. */
export interface MergeOptions<State = Uint8Array> {
  /** The optimizer that all states belong to. */
  readonly definition: Definition;
  /**
   * The state that all of them started from, if they did not start afresh; default none. Without it
   * the states are taken to share no samples, and what is noise in those that they share, for signal.
   * Merged states are recognised in those that went on from them: where it matters, they are asked for.
   */
  readonly base?: State;
  /**
   * Whether states that went on from one merged state are taken for independent, as after so many steps
   * that nothing is left of it; default false.
   */
  readonly independent?: boolean;
  /** Updates done of the merged optimizer, which schedules follow; default that of all states. */
  readonly iteration?: number;
}

const action = "merge states";

/** What each option of {@linkcode mergeStates} may be. */
export const mergeKinds: Kinds<MergeOptions> = {
  definition: kinds.definition,
  base: kinds.bytes,
  independent: kinds.flag,
  iteration: kinds.integer(0),
};

/**
 * Merges the states of optimizers that trained the same parameters on different data (federated
 * clients), as saved by `save()`: as if one optimizer had seen, in each step, the samples of all, those of
 * client k with the weight pₖ.
 *
 * With weights p (shares of the examples):
 * ```
 * averages          m̄ = Σ p m               first and second moments, averages of weights
 * deviations        D̄ = Σ p (D + (m − m̄)²)   Chan, Golub & LeVeque's parallel Welford formula
 * sums of weights   w̄ = Σ p w               what the past weighs beside the next sample
 * of their squares  ρ̄ = Σ p² ρ              so that σ² = D/(1 − ρ) and g² = m² − ρσ² stay unbiased
 * ```
 * Samples in the state that all started from, `base`, are the same in all states, which ρ must know:
 * `ρ̄ = Σ p²(ρ − a²ρ₀) + (Σ p a)²ρ₀`, a the weight that is left of them. Steps, as ages of averages and
 * of bases, are those of the state that took most. Numbers of held steps add up, maxima become the
 * largest.
 *
 * With `inBasis(kronecker())` the averages of g gᵀ are merged exactly. If clients have the same
 * eigenvectors, all else is, too; else the merged ones are those of the merged averages, first moments
 * turn into them exactly, and second moments as if coordinates were uncorrelated in the client's own
 * basis.
 *
 * A merged state carries a fingerprint, which states that go on from it keep: of two that have one in common,
 * what depends on `base` is refused without it, and another base than that one is. States that several
 * optimizers loaded, and that were not merged, are not recognised.
 *
 * States with weight 0 have no part. The weights of the model are averaged by the caller.
 *
 * Source: Chan, Golub & LeVeque, "Updating formulae and a pairwise algorithm for computing sample
 * variances" (1979); McMahan et al., "Communication-efficient learning of deep networks from
 * decentralized data" (2017), arXiv 1602.05629, for weights by examples.
 *
 * @param states Files of `save()`.
 * @param weights One a state: not negative, together 1.
 * @throws {TypeError} For states of other chains, parameters or shapes, of different learning rates set by
 * hand, for a base that is missing or another one's, and for what cannot be merged.
 * @throws {RangeError} For weights that are negative or do not add up to 1, and for different iterations
 * where `iteration` is not given.
 *
 * @example
 * ```ts
 * import { adam, createOptimizer, mergeStates } from "@precond/core";
 * import assert from "node:assert/strict";
 *
 * const definition = adam();
 * const train = (gradient: number) => {
 *   const client = createOptimizer(definition);
 *   client.step({ w: { weights: Float32Array.of(1), gradient: Float32Array.of(gradient) } });
 *   return client.save();
 * };
 * const examples = [30, 10];
 * const states = await Promise.all([train(4), train(8)]);
 * const server = createOptimizer(definition);
 * server.load(mergeStates(states, examples.map((n) => n / 40), { definition }));
 * assert.deepEqual(server.slot("w", "inverseRms.to.m"), Float32Array.of(5)); // ¾·4 + ¼·8
 * ```
 */
export function mergeStates(
  states: readonly Uint8Array[],
  weights: readonly number[],
  options: MergeOptions,
): Uint8Array<ArrayBuffer> {
  checkValue(action, states, kinds.listOf(kinds.bytes, 1), "states");
  const { base, ...others } = checkOptions(action, options, mergeKinds, ["definition"]);
  const readAs = (bytes: Uint8Array, label: string) =>
    readState(bytes, label, (file) => readingFor(label, () => readSafetensors(file)));
  const read = states.map((bytes, i) => readAs(bytes, `merge state ${i + 1}`));
  const from = base && { base: readAs(base, "merge base") };
  return writeState(mergeSaved(read, weights, { ...others, ...from }));
}

/**
 * Weights that add up to 1 but for rounding, as those that do.
 *
 * @throws {TypeError | RangeError} For weights that are not one a state, or are no shares of a whole.
 */
export function wholeWeights(weights: readonly number[], states: number): number[] {
  const numbers = kinds.listOf(kinds.nonNegative);
  checkValue(action, weights, numbers, "weights");
  if (weights.length !== states) {
    throw new RangeError(
      `Cannot ${action}: there are ${states} states and ${weights.length} weights`,
    );
  }
  const total = weights.reduce((sum, p) => sum + p, 0);
  if (Math.abs(total - 1) <= 1e-6) return weights.map((p) => p / total);
  throw new RangeError(
    `Cannot ${action}: weights must add up to 1, current sum is ${total}; divide numbers of examples by their sum`,
  );
}

/**
 * {@linkcode mergeStates} for states that are read.
 *
 * @throws As that does, but for options.
 */
export function mergeSaved(
  states: readonly SavedOptimizer[],
  weights: readonly number[],
  { definition, base, independent = false, iteration }: MergeOptions<SavedOptimizer>,
): SavedOptimizer {
  const shares = wholeWeights(weights, states.length);
  const all = states.map((saved, i) => givenAs(`state ${i + 1}`, shares[i]!, saved));
  const counted = all.filter(({ weight }) => weight > 0);
  const from = base && givenAs("base", 1, base);
  if (from && !independent) checkBase(action, counted, from);
  const kin = from || independent
    ? undefined
    : kinships(counted).find(({ common }) => common !== undefined);
  const merged = namesOf(all).map((name) => {
    const started = from && Object.hasOwn(from.state.parameters, name)
      ? partOf(name, from, definition)
      : undefined;
    const parts = all.map((given) => partOf(name, given, definition));
    return [name, mergeParameter(name, parts, { base: started, kin })] as const;
  });
  const entries = merged.map(([name, { entry }]) => [name, entry] as const);
  const tensors = new Map(
    merged.flatMap(([name, { slots }]) =>
      [...slots].map(([slot, array]) => [tensorName(name, slot), array] as const)
    ),
  );
  const past = counted.length === 1
    ? counted[0]!.state.past
    : pastOf(counted, fingerprint(entries, tensors));
  const updates = iteration ?? sameIteration(counted);
  return {
    json: stateText({ iteration: updates, learningRate: sameRate(counted), past }, entries),
    tensors,
  };
}

/** A state that is merged. */
interface Given {
  /** What messages call it. */
  readonly label: string;
  /** p */
  readonly weight: number;
  readonly tensors: SavedOptimizer["tensors"];
  /** Of the tensors. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  readonly state: SavedState;
  readonly past: readonly string[];
}

function givenAs(label: string, weight: number, { json, tensors }: SavedOptimizer): Given {
  const shapes = new Map([...tensors].map(([key, { shape }]) => [key, shape]));
  const state = parseState(json, `merge ${label}`);
  return { label, weight, tensors, shapes, state, past: state.past ?? [] };
}

function partOf(
  name: string,
  { label, weight, tensors, shapes, state }: Given,
  definition: Definition,
): Part {
  const entry = state.parameters[name]!;
  const found = { name, entry, tensors: shapes, definition };
  const { chain, slots } = checkEntry(`merge "${name}" of ${label}`, found);
  return {
    label,
    weight,
    entry,
    chain,
    scalars: stageScalars(chain, entry),
    slots: new Map(slots.map(([slot, key]) => [slot, tensors.get(key)!])),
  };
}

function namesOf(all: readonly Given[]): string[] {
  const [first] = all;
  const names = Object.keys(first!.state.parameters);
  const known = new Set(names);
  for (const other of all) {
    const { parameters } = other.state;
    const more = Object.keys(parameters).find((name) => !known.has(name));
    const missing = names.find((name) => !Object.hasOwn(parameters, name));
    if (more === undefined && missing === undefined) continue;
    const [has, lacks] = more === undefined ? [first!, other] : [other, first!];
    throw new TypeError(
      `Cannot ${action}: ${has.label} has "${
        more ?? missing
      }", which ${lacks.label} has not; all must train the same parameters`,
    );
  }
  return names;
}

function sameIteration(all: readonly Given[]): number {
  const [first] = all;
  const other = all.find(({ state }) => state.iteration !== first!.state.iteration);
  if (other === undefined) return first!.state.iteration;
  throw new RangeError(
    `Cannot ${action}: ${first!.label} has done ${
      first!.state.iteration
    } updates, ${other.label} ` +
      `${other.state.iteration}, and schedules follow them; give iteration`,
  );
}

function sameRate(all: readonly Given[]): SavedState["learningRate"] {
  const rates = all.map(({ state }) => state.learningRate);
  const [first] = rates;
  const other = rates.findIndex((rate) => rate?.value !== first?.value);
  if (other < 0) {
    return first && { value: first.value, since: Math.max(...rates.map((r) => r!.since)) };
  }
  const shown = (rate: SavedState["learningRate"]) => rate ? String(rate.value) : "not set by hand";
  throw new TypeError(
    `Cannot ${action}: the learning rate of ${all[0]!.label} is ${shown(first)}, that of ${
      all[other]!.label
    } ${shown(rates[other])}; set the same on all`,
  );
}
