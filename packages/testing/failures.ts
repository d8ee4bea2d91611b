/**
 * Steps that fail, on every host: nothing has changed, and training goes on as if they had not been.
 *
 * @module
 */
import {
  chain,
  type Definition,
  learningRate,
  momentum,
  perParameter,
  scaleBy,
  sgd,
  signalFraction,
} from "@precond/core";
import assert from "node:assert/strict";

/** What is to go wrong from now on. */
export interface Trouble {
  on: boolean;
}

/** An optimizer of two parameters, "a" and "b", of two elements each. */
export interface FailingSubject {
  /** One step with these gradients. */
  step(gradients: Readonly<Record<"a" | "b", readonly number[]>>): void | Promise<void>;
  /** All that a step may change: weights, slots, counts. */
  state(): unknown;
  dispose(): void | Promise<void>;
}

/** Makes a subject; weights begin at 1. */
export type FailingFactory = (definition: Definition) => FailingSubject | Promise<FailingSubject>;

/** A way to fail. */
export interface FailureCase {
  readonly name: string;
  definition(trouble: Trouble): Definition;
}

const fails = (): number => {
  throw new Error("the schedule fails");
};
const noisy = (rate: () => number) =>
  chain(scaleBy(signalFraction()), momentum({ decay: 0.9 }), learningRate(rate));

/** The table. */
export const failureCases: readonly FailureCase[] = [
  { name: "a schedule gives NaN", definition: (t) => noisy(() => t.on ? NaN : 0.1) },
  { name: "a schedule gives a negative rate", definition: (t) => noisy(() => t.on ? -1 : 0.1) },
  { name: "a schedule throws", definition: (t) => noisy(() => t.on ? fails() : 0.1) },
  {
    name: "the schedule of the second group gives NaN",
    definition: (t) =>
      perParameter([
        { match: "a", chain: sgd({ learningRate: 0.1, momentum: 0.9 }) },
        { match: "b", chain: noisy(() => t.on ? NaN : 0.1) },
      ]),
  },
  {
    name: "a multiplier throws for the second parameter",
    definition: (t) =>
      chain(
        momentum({ decay: 0.9 }),
        learningRate(0.1, { multiplier: ({ name }) => t.on && name === "b" ? fails() : 1 }),
      ),
  },
];

const gradients = [[[1, -2], [3, 0.5]], [[-1, 4], [2, 2]], [[0.5, 1], [-3, 1]]].map(([a, b]) => ({
  a: a!,
  b: b!,
}));

/** Two steps, one that fails, and a third: its state is that of a subject whose steps all went well. */
export async function checkFailure(test: FailureCase, factory: FailingFactory): Promise<void> {
  const after = async (trouble: Trouble, fails: boolean) => {
    const subject = await factory(test.definition(trouble));
    try {
      for (const g of gradients.slice(0, 2)) await subject.step(g);
      if (fails) {
        const before = await subject.state();
        trouble.on = true;
        await assert.rejects(async () => await subject.step(gradients[2]!), test.name);
        trouble.on = false;
        assert.deepEqual(await subject.state(), before, test.name);
      }
      await subject.step(gradients[2]!);
      return await subject.state();
    } finally {
      await subject.dispose();
    }
  };
  const expected = await after({ on: false }, false);
  assert.deepEqual(await after({ on: false }, true), expected, test.name);
}
