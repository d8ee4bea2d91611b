/**
 * Which saved state belongs to which variable.
 *
 * @module
 */

/** Name and shape of a variable or of a saved parameter. */
export interface Named {
  readonly name: string;
  readonly shape: readonly number[];
}

/**
 * Loading a model into a program where a model of that name lives gives its variables a suffix
 * (`dense/kernel_1`).
 */
function canonical(name: string): string {
  return name.replace(/_\d+$/, "");
}

/**
 * Finds the saved state of each variable: by name, else by the name without its suffix, else, if
 * not one name is known (variables named by number), by order when all shapes agree.
 *
 * @returns The saved name of each variable; a variable that is missing in it starts afresh.
 * @throws {TypeError} If nothing matches, or a state has another shape.
 */
export function matchStates(
  variables: readonly Named[],
  saved: readonly Named[],
): Map<string, string> {
  const free = new Map(saved.map((s) => [s.name, s]));
  const found = new Map<string, string>();
  const claim = (variable: Named, state: Named) => {
    if (state.shape.join() !== variable.shape.join()) {
      throw new TypeError(
        `Cannot restore "${variable.name}": saved shape is [${state.shape}], current shape is [${variable.shape}]`,
      );
    }
    free.delete(state.name);
    found.set(variable.name, state.name);
  };
  // Variables without a name are numbered: another number says nothing about what they are.
  const numbered = (list: readonly Named[]) => list.every(({ name }) => /^\d+$/.test(name));
  const same = variables.length === saved.length && variables.every(({ name }) => free.has(name));
  const byOrder = !same && numbered(variables) && numbered(saved);
  for (const variable of byOrder ? [] : variables) {
    const state = free.get(variable.name);
    if (state) claim(variable, state);
  }
  for (const variable of variables) {
    if (byOrder || found.has(variable.name)) continue;
    const alike = [...free.values()].filter((s) => canonical(s.name) === canonical(variable.name));
    if (alike.length === 1) claim(variable, alike[0]!);
  }
  if (found.size > 0 || saved.length === 0) return found;
  const sameShapes = variables.length === saved.length &&
    variables.every((v, i) => v.shape.join() === saved[i]!.shape.join());
  if (!sameShapes) {
    const list = (items: readonly Named[]) => items.map((s) => `${s.name} [${s.shape}]`).join(", ");
    throw new TypeError(
      `Cannot restore the optimizer: no variable matches; saved are ${list(saved)}, current are ${
        list(variables)
      }`,
    );
  }
  variables.forEach((variable, i) => claim(variable, saved[i]!));
  return found;
}
