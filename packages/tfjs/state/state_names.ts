/**
 * Which saved state belongs to which variable.
 *
 * @module
 */
import type { Named } from "./named.ts";
import { numberedName, withoutCopySuffix } from "./numbered_names.ts";
import { renumbered } from "./renumbered.ts";

const listed = (items: readonly Named[]) => {
  const few = items.slice(0, 20).map((s) => `${s.name} [${s.shape}]`).join(", ");
  return items.length > 20 ? `${few} and ${items.length - 20} more` : few;
};

function checkShape(variable: Named, state: Named): void {
  if (state.shape.join() === variable.shape.join()) return;
  throw new TypeError(
    `Cannot restore "${variable.name}": saved shape is [${state.shape}], ` +
      `current shape is [${variable.shape}]`,
  );
}

/** The only one of a list under each key; names that share a key are no way to tell. */
function unique(items: readonly Named[], key: (name: string) => string): Map<string, Named> {
  const found = new Map<string, Named | undefined>();
  for (const item of items) {
    const k = key(item.name);
    found.set(k, found.has(k) ? undefined : item);
  }
  return new Map([...found].flatMap(([k, item]) => item === undefined ? [] : [[k, item]]));
}

/** Names that someone gave: the same name, else the name of a copy of that model. */
function byGivenNames(
  variables: readonly Named[],
  saved: readonly Named[],
): Map<string, string> {
  const found = new Map<string, string>();
  const exact = new Map(saved.map((s) => [s.name, s]));
  const free = new Set(saved);
  const claim = (variable: Named, state: Named) => {
    checkShape(variable, state);
    free.delete(state);
    found.set(variable.name, state.name);
  };
  for (const variable of variables) {
    const state = exact.get(variable.name);
    if (state !== undefined) claim(variable, state);
  }
  const rest = () => variables.filter(({ name }) => !found.has(name));
  // dense/kernel_2 and dense/kernel_1 are copies of the same; of w_2 and w_1 nobody knows.
  const copies = unique([...free], withoutCopySuffix);
  for (const [name, variable] of unique(rest(), withoutCopySuffix)) {
    const state = copies.get(name);
    if (state !== undefined) claim(variable, state);
  }
  const bare = (name: string) => name.replace(/_\d+$/, "");
  const bases = unique([...free], bare);
  for (const [name, variable] of unique(rest(), bare)) {
    const state = bases.get(name);
    if (state !== undefined && [state.name, variable.name].includes(name)) claim(variable, state);
  }
  return found;
}

/**
 * Finds the saved state of each variable of a step: by name, else by the name without the suffix of a
 * second copy of a model; where TensorFlow.js has numbered the variables or their layers, by what
 * exists beside them. A variable that is missing in the result starts afresh.
 *
 * @param registered All variables that exist, those of later steps among them.
 * @returns Saved names by names of variables; of numbered ones those of later steps, too.
 * @throws {TypeError} If a state has another shape, if the states belong to none of the variables that
 * exist, or if it cannot be told to which.
 */
export function matchStates(
  variables: readonly Named[],
  saved: readonly Named[],
  registered: readonly Named[] = variables,
): Map<string, string> {
  const isGiven = ({ name }: Named) => numberedName(name) === undefined;
  const found = byGivenNames(variables.filter(isGiven), saved.filter(isGiven));
  for (const result of renumbered(saved, variables, registered).values()) {
    if (result.kind === "ambiguous") {
      throw new TypeError(
        `Cannot restore the optimizer: no variable matches for certain, since their names are ` +
          `numbers or names of layers that TensorFlow.js counts up; saved are ${listed(saved)}, ` +
          `current are ${listed(variables)}; name the layers or variables, or let the first step ` +
          `after restoring train all that were saved`,
      );
    }
    if (result.kind === "found") { for (const [v, s] of result.states) found.set(v, s); }
  }
  if (saved.length === 0 || variables.some(({ name }) => found.has(name))) return found;
  // The step trains none of those that were saved. They must exist, or it is another model's state.
  const elsewhere = new Set(registered.map(({ name }) => name));
  for (const { name } of variables) elsewhere.delete(name);
  const suffixless = new Set([...elsewhere].map(withoutCopySuffix));
  if (!saved.some(({ name }) => elsewhere.has(name) || suffixless.has(withoutCopySuffix(name)))) {
    throw new TypeError(
      `Cannot restore the optimizer: no variable matches; saved are ${listed(saved)}, ` +
        `current are ${listed(variables)}`,
    );
  }
  return found;
}
