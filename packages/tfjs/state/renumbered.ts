/** @module */
import type { Named } from "./named.ts";
import { type NumberedName, numberedName } from "./numbered_names.ts";

/** Names of one family, by number and weight. */
type Layers = Map<number, Map<string, Named[]>>;

interface Entry extends NumberedName {
  readonly named: Named;
}

function layersOf(entries: readonly Entry[]): Layers {
  const layers: Layers = new Map();
  for (const { number, weight, named } of entries) {
    const weights = layers.get(number) ?? new Map<string, Named[]>();
    layers.set(number, weights.set(weight, [...weights.get(weight) ?? [], named]));
  }
  return layers;
}

const sameShape = (a: Named, b: Named) => a.shape.join() === b.shape.join();

/** Whether a layer among the variables has all weights of a saved one, of the same shapes. */
const fits = (saved: Map<string, Named[]>, layer: Map<string, Named[]> | undefined) =>
  layer !== undefined &&
  [...saved].every(([weight, [state]]) => layer.get(weight)?.some((v) => sameShape(v, state!)));

/** Comparisons of layers after which nobody waits for another. */
const patience = 1_000_000;

/** Whether all saved layers are there under numbers moved by d; undefined if that takes too long. */
function search(saved: Layers, present: Layers): (d: number) => boolean | undefined {
  const numbers = [...saved.keys()].sort((a, b) => a - b);
  // The ends first: where there are thousands of numbers, they tell most shifts to be wrong.
  const order = [numbers.at(-1)!, ...numbers];
  let left = patience;
  return (d) => {
    for (const n of order) {
      if (left-- <= 0) return undefined;
      if (!fits(saved.get(n)!, present.get(n + d))) return false;
    }
    return true;
  };
}

/** By what numbers saved layers may have moved, judged by what exists now; at most two. */
function shifts(saved: Layers, present: Layers, step: Layers): number[] {
  const all = search(saved, present);
  const tried = new Set<number>(), found: number[] = [];
  for (const start of step.keys()) {
    for (const n of saved.keys()) {
      const d = start - n;
      if (tried.has(d)) continue;
      tried.add(d);
      const there = all(d);
      if (there) found.push(d);
      if (there === undefined || found.length > 1) return [NaN, NaN];
    }
  }
  return found;
}

/** What became of the saved states of one family. */
export type Renumbered =
  /** Saved names by the names of variables, those of later steps included. */
  | { readonly kind: "found"; readonly states: ReadonlyMap<string, string> }
  /** The saved states belong to other variables, which exist: those of the step are new. */
  | { readonly kind: "new" }
  | { readonly kind: "ambiguous" };

function assign(saved: Layers, present: Layers, step: Layers, move: (n: number) => number) {
  const states = new Map<string, string>();
  for (const [number, weights] of saved) {
    for (const [weight, list] of weights) {
      // Copies of a model have the same numbers: those of the step come first.
      const lists = [step, present].map((layers) => layers.get(move(number))?.get(weight) ?? []);
      for (const state of list) {
        const free = lists.map((variables) => variables.filter((v) => !states.has(v.name)));
        const variable = free.map((variables) =>
          variables.find((v) => v.name === state.name) ?? variables[0]
        ).find((v) => v !== undefined);
        if (variable !== undefined) states.set(variable.name, state.name);
      }
    }
  }
  return states;
}

/**
 * Which variables the saved states of one family of numbered names belong to: those of the same numbers
 * where all of them exist in their shapes; else, all moved by the same number, to where layers (or
 * variables) of just these shapes follow one another; else in order, if the step brings as many.
 */
function renumberedFamily(
  saved: readonly Entry[],
  step: readonly Entry[],
  registered: readonly Entry[],
): Renumbered {
  const [states, now, present] = [saved, step, [...step, ...registered]].map(layersOf) as [
    Layers,
    Layers,
    Layers,
  ];
  const found = (variables: Layers, move: (n: number) => number): Renumbered => ({
    kind: "found",
    states: assign(states, variables, now, move),
  });
  const order = (layers: Layers) => [...layers.keys()].sort((a, b) => a - b);
  const [before, after] = [order(states), order(now)];
  const here = before.some((n) => now.has(n));
  if (here && search(states, present)(0)) return found(present, (n) => n);
  if (
    before.length === after.length &&
    before.every((n, i) => fits(states.get(n)!, now.get(after[i]!)))
  ) {
    const index = new Map(before.map((n, i) => [n, after[i]!]));
    return found(now, (n) => index.get(n)!);
  }
  const moved = shifts(states, present, now);
  if (moved.length === 1) return found(present, (n) => n + moved[0]!);
  if (moved.length > 1) return { kind: "ambiguous" };
  const alive = before.filter((n) => fits(states.get(n)!, present.get(n)));
  if (alive.length === before.length) return { kind: "new" };
  if (before.length * after.length > 10_000) return { kind: "ambiguous" };
  const pairs = after.flatMap((to) => before.map((from) => [from, to] as const));
  if (!pairs.some(([from, to]) => fits(states.get(from)!, now.get(to)))) return { kind: "new" };
  // A part of the model is another one: the rest is where it was, unless it fits elsewhere as well.
  const elsewhere = pairs.some(([from, to]) =>
    from !== to &&
    before.filter((n) => fits(states.get(n)!, present.get(n + to - from))).length >= alive.length
  );
  return alive.length > 0 && !elsewhere ? found(present, (n) => n) : { kind: "ambiguous" };
}

/** The same for all families that both the saved states and the step's variables have. */
export function renumbered(
  saved: readonly Named[],
  step: readonly Named[],
  registered: readonly Named[],
): Map<string, Renumbered> {
  const families = (list: readonly Named[]) => {
    const found = new Map<string, Entry[]>();
    for (const named of list) {
      const parts = numberedName(named.name);
      if (parts === undefined) continue;
      const family = found.get(parts.family);
      if (family === undefined) found.set(parts.family, [{ ...parts, named }]);
      else family.push({ ...parts, named });
    }
    return found;
  };
  const [before, now, present] = [saved, step, registered].map(families);
  return new Map(
    [...now!].flatMap(([family, entries]) => {
      const states = before!.get(family);
      return states === undefined
        ? []
        : [[family, renumberedFamily(states, entries, present!.get(family) ?? [])] as const];
    }),
  );
}
