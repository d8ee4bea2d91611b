/**
 * Whole definitions as JSON text.
 *
 * @module
 */
import { inBasis } from "../basis/in_basis.ts";
import { kronecker } from "../basis/kronecker.ts";
import { chain } from "../chain/chain.ts";
import { type Definition, perParameter } from "../chain/per_parameter.ts";
import { scaleBy } from "../chain/scale_by.ts";
import { make, type Maker } from "../chain/specification.ts";
import * as estimators from "../estimators/mod.ts";
import * as transforms from "../transforms/mod.ts";

const makers: Readonly<Record<string, Maker>> = {
  chain,
  perParameter,
  scaleBy,
  inBasis,
  kronecker,
  ...estimators,
  ...transforms,
};

/**
 * The definition as JSON text.
 *
 * @throws {TypeError} If it holds a piece, a schedule or a predicate of the caller's own.
 */
export function stringifyDefinition(definition: Definition): string {
  if (!definition.spec) {
    throw new TypeError(
      "Cannot write the optimizer as JSON: a piece, schedule, predicate or multiplier of it is a function of your own; save its state alone and make the optimizer anew in code",
    );
  }
  return JSON.stringify(definition.spec);
}

/**
 * The definition that {@linkcode stringifyDefinition} wrote.
 *
 * @throws {TypeError} If the text is not such a definition.
 */
export function parseDefinition(text: string): Definition {
  let made: unknown;
  try {
    made = make(JSON.parse(text), makers);
  } catch (cause) {
    throw new TypeError("Cannot read the optimizer from JSON: the text is damaged", { cause });
  }
  if (typeof made !== "object" || made === null || !("stages" in made || "groups" in made)) {
    throw new TypeError("Cannot read the optimizer from JSON: the text is not a chain");
  }
  return made as Definition;
}
