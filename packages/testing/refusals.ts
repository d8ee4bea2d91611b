/**
 * What every host refuses: tables over its aliases and its options.
 *
 * @module
 */
import assert from "node:assert/strict";
import { everyAlias } from "./default_tasks.ts";

type Make = (options?: unknown) => unknown;

/** Options that no alias takes, and what is said of them. */
const common: readonly (readonly [options: unknown, error: string, message: RegExp])[] = [
  [0.05, "TypeError", /options must be an object such as \{ learningRate: 0\.05 \}/],
  ["0.05", "TypeError", /options must be an object/],
  [null, "TypeError", /options must be an object/],
  [[], "TypeError", /options must be an object/],
  [{ lr: 0.05 }, "TypeError", /"lr" is no option, did you mean learningRate\?/],
  [{ learningrate: 0.05 }, "TypeError", /did you mean learningRate\?/],
  [{ learningRate: "0.05" }, "TypeError", /learningRate must be .*, current value is "0\.05"/],
  [{ learningRate: -1 }, "RangeError", /learningRate must be .*, current value is -1/],
  [{ learningRate: NaN }, "RangeError", /learningRate must be .*, current value is NaN/],
];

/** Options of some aliases that are out of range, of the wrong kind, or misspelt. */
const special: Readonly<Record<string, readonly object[]>> = {
  sgd: [{ momentum: -0.5 }, { momentum: 1 }, { momentum: "0.9" }, { nesterov: true }, {
    nestrov: true,
  }],
  adam: [{ beta1: 1 }, { beta2: -0.1 }, { beta1: NaN }, { epsilon: -1 }, { epsilon: "1e-8" }],
  adamW: [{ weightDecay: -1 }, { weightDecay: NaN }, { weightDecay: "0.1" }, { beta1: 2 }],
  snrOnly: [{ beta2: 1 }, { beta: 0.5 }, { momentum: -1 }, { momentum: NaN }, { warmup: 0.5 }],
  curvatureOnly: [{ curvature: "hutchinson" }, { basis: { every: 0 } }, { basis: { evry: 5 } }],
  combined: [{ momentum: -1 }, { basis: { sides: "top" } }, { exponent: 0.3 }, { weightDecay: -1 }],
  signalSgd: [{ decay: 1 }, { beta: 0.5 }, { momentum: -1 }, { momentum: NaN }, { from: "steps?" }],
  diagonalNewton: [{ curvature: () => 0 }, { curvature: "hutchinson" }, { damping: -1 }],
  signalNewton: [{ momentum: -1 }, { curvature: { kind: "hessian", every: 1 } }, { exponent: 0.3 }],
  rmsProp: [{ decay: 1 }, { momentum: -1 }],
  adagrad: [{ initial: -1 }, { epsilon: NaN }],
  lion: [{ beta1: 1 }, { weightDecay: -1 }],
  sophia: [{ gamma: 0 }, { weightDecay: -1 }],
};

/** Checks the aliases among what a package exports; an explicit undefined is the default. */
export function checkAliasRefusals(exported: Readonly<Record<string, unknown>>): void {
  for (const name of Object.keys(everyAlias)) {
    const make = exported[name] as Make;
    assert.doesNotThrow(() => make(), name);
    assert.doesNotThrow(() => make({ learningRate: undefined }), name);
    for (const [options, error, message] of common) {
      assert.throws(() => make(options), { name: error, message }, `${name}(${String(options)})`);
    }
    for (const options of special[name] ?? []) {
      assert.throws(() => make(options), (error: Error) => {
        assert.ok(["TypeError", "RangeError"].includes(error.name), `${name}: ${error}`);
        assert.match(error.message, /^Cannot [a-z].*[^.]$/);
        return true;
      }, `${name}(${JSON.stringify(options)})`);
    }
  }
}

/** What makes an optimizer of a definition. */
export interface HostUnderTest {
  make(definition: unknown, options?: unknown): unknown;
  /** A definition that it takes. */
  readonly definition: unknown;
  /** The function that made it, not called. */
  readonly uncalled: unknown;
  /** Whether it has a definition of its own where none is given. */
  readonly hasDefault?: boolean;
  /** Options, each with values that it does not take. */
  readonly options: Readonly<Record<string, readonly unknown[]>>;
}

/** Checks that a host refuses what is no definition, and options that it does not have. */
export async function checkHostRefusals(
  { make, definition, uncalled, hasDefault = false, options }: HostUnderTest,
): Promise<void> {
  const refused = (
    given: readonly [unknown, unknown?],
    names: readonly string[],
    message: RegExp,
    what = "",
  ) =>
    assert.rejects(async () => await make(...given), (error: Error) => {
      assert.ok(names.includes(error.name), `${what}: ${error}`);
      assert.match(error.message, /^Cannot [a-z].*[^.]$/);
      assert.match(error.message, message, what);
      return true;
    }, what);
  const type = ["TypeError"];
  await refused([uncalled], type, /call it: /);
  for (
    const none of ["adam", ...(hasDefault ? [] : [undefined]), null, 0.1, {}, [], [definition]]
  ) {
    await refused([none], type, /(current value is|not given)/, String(none));
  }
  for (const none of [null, 0.1, "options", []]) {
    await refused([definition, none], type, /options must be an object/, String(none));
  }
  for (const [name, values] of Object.entries(options)) {
    await make(definition, { [name]: undefined });
    const near = new RegExp(`is no option, did you mean ${name}\\?`);
    await refused([definition, { [name.slice(0, -1)]: 1 }], type, near, name);
    for (const value of values) {
      const either = ["TypeError", "RangeError"];
      await refused(
        [definition, { [name]: value }],
        either,
        /, current value is /,
        `${name}: ${String(value)}`,
      );
    }
  }
}
