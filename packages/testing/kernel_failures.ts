/**
 * Steps in which one thing that a backend does fails, whichever it is: nothing has changed, nothing is
 * left over, and training goes on as if the step had not been.
 *
 * @module
 */
import {
  adam,
  chain,
  clipByGlobalNorm,
  combined,
  curvatureOnly,
  type Definition,
  inBasis,
  kronecker,
  learningRate,
  momentum,
  perParameter,
  scaleBy,
  sgd,
  signalFraction,
  skipNonFinite,
} from "@precond/core";
import {
  type Backend,
  clippedCounter,
  createDriver,
  productsOf,
  saveState,
} from "@precond/core/backend";
import { inverseRms } from "@precond/core/pieces";
import assert from "node:assert/strict";

/** Definitions whose steps are one program, several, and several with matrix products. */
export const steppedDefinitions: Readonly<Record<string, () => Definition>> = {
  "one program": () => chain(clipByGlobalNorm(1), scaleBy(inverseRms()), learningRate(0.1)),
  "two groups": () =>
    perParameter([
      { match: "kernel", chain: adam({ learningRate: 0.1 }) },
      { match: /./, chain: chain(momentum(), scaleBy(signalFraction()), learningRate(0.1)) },
    ]),
  "three groups": () =>
    perParameter([
      { match: "bias", chain: sgd({ learningRate: 0.1 }) },
      { match: "kernel", chain: curvatureOnly({ basis: { every: 1, sides: "both" } }) },
      { match: /./, chain: adam({ learningRate: 0.1 }) },
    ]),
  "a basis": () => combined({ basis: { every: 2, sides: "both" } }),
  "a basis that what holds steps stands before": () =>
    chain(
      skipNonFinite({ scope: "tensor" }),
      clipByGlobalNorm(1),
      inBasis(kronecker({ every: 1, sides: "left" }), scaleBy(inverseRms())),
      momentum(),
      learningRate(0.1),
    ),
};

/** Shapes of the parameters that they step. */
export const steppedShapes = { kernel: [4, 3], recurrent: [3, 3], bias: [3] } as const;
type Name = keyof typeof steppedShapes;
const names = Object.keys(steppedShapes) as Name[];
const sizeOf = (name: Name) => steppedShapes[name].reduce((a: number, b) => a * b, 1);
const gradient = (name: Name, step: number) =>
  Float32Array.from({ length: sizeOf(name) }, (_, i) => Math.sin(7 * step + 3 * i + name.length));

/** A backend with what can go wrong in it. */
export interface Troubled<A> {
  readonly backend: Backend<A>;
  /** Its arrays that are not disposed. */
  readonly live: ReadonlySet<A>;
  /** Lets the n-th deed from now on fail, from 0. */
  failAt(n: number): void;
  /** Lets none fail; whether one has. */
  mended(): boolean;
}

/** A backend each deed of which can fail: a kernel, a product, a copy, a new array. */
export function troubled<A>(inner: Backend<A>): Troubled<A> {
  const live = new Set<A>();
  const multiply = productsOf(inner);
  let left = Infinity;
  const deed = () => {
    if (left-- === 0) throw new Error("it fails");
  };
  const made = (array: A): A => (live.add(array), array);
  const backend: Backend<A> = {
    ...inner,
    compile(program) {
      const kernel = inner.compile(program);
      return {
        run(calls) {
          deed();
          const results = kernel.run(calls);
          for (const { outputs } of results) outputs.forEach(made);
          return results;
        },
        dispose: () => kernel.dispose?.(),
      };
    },
    ...(multiply ? { multiply: (calls) => (deed(), multiply(calls).map(made)) } : {}),
    allocate: (...args) => (deed(), made(inner.allocate(...args))),
    write: (...args) => (deed(), made(inner.write(...args))),
    copy: (calls) => (deed(), inner.copy(calls).map(made)),
    dispose(array) {
      live.delete(array);
      inner.dispose(array);
    },
  };
  return {
    backend,
    live,
    failAt: (n: number) => void (left = n),
    mended() {
      const failed = left < 0;
      left = Infinity;
      return failed;
    },
  };
}

/** Training on a {@linkcode troubled} backend. */
export interface FallibleTraining {
  /** Whether step t succeeds if its n-th deed fails; without a number none does. */
  step(t: number, failing?: number): boolean | Promise<boolean>;
  /** All that a step may change. */
  state(): unknown;
  end(): void | Promise<void>;
}

/** A driver and its weights. */
function training<A>(definition: Definition, inner: Backend<A>): FallibleTraining {
  const trouble = troubled(inner);
  const { backend, live } = trouble;
  const driver = createDriver(definition, backend);
  const weights = new Map(names.map((name) => [
    name,
    backend.write(new Float32Array(sizeOf(name)).fill(1), steppedShapes[name]),
  ]));
  return {
    step(t, failing = Infinity) {
      const given = names.map((name) => ({
        name,
        shape: steppedShapes[name],
        weights: weights.get(name)!,
        gradient: backend.write(gradient(name, t), steppedShapes[name]),
      }));
      trouble.failAt(failing);
      try {
        const result = driver.step(given, { batchSize: 64, countClipped: clippedCounter });
        names.forEach((name, i) => {
          const before = weights.get(name)!;
          if (result.weights[i] !== before) backend.dispose(before);
          weights.set(name, result.weights[i]!);
        });
        for (const counts of result.clipped!) Object.values(counts).forEach(backend.dispose);
        return true;
      } catch (error) {
        assert.equal((error as Error).message, "it fails");
        return false;
      } finally {
        trouble.mended();
        for (const { gradient } of given) backend.dispose(gradient);
      }
    },
    async state() {
      const values = [...weights.values()].map(async (array) => [...await backend.read(array)]);
      return [driver.iteration, await Promise.all(values), [...await saveState(driver, backend)]];
    },
    end() {
      driver.dispose();
      for (const array of weights.values()) backend.dispose(array);
      assert.equal(live.size, 0, "arrays are left");
    },
  };
}

/**
 * Lets each deed of each step fail in turn.
 *
 * @returns How many there were.
 */
export async function checkEveryFailure(
  open: () => FallibleTraining | Promise<FallibleTraining>,
  steps: number,
): Promise<number> {
  let failures = 0;
  const tried = await open(), untroubled = await open();
  for (let t = 0; t < steps; t++) {
    const before = await tried.state();
    for (let n = 0; !await tried.step(t, n); n++) {
      failures++;
      assert.deepEqual(await tried.state(), before, `step ${t + 1}, deed ${n + 1}`);
    }
    await untroubled.step(t);
    assert.deepEqual(await tried.state(), await untroubled.state(), `after step ${t + 1}`);
  }
  await tried.end();
  await untroubled.end();
  return failures;
}

/** The same for four steps of drivers on a backend. */
export function checkKernelFailures<A>(
  definition: () => Definition,
  backend: Backend<A>,
): Promise<number> {
  return checkEveryFailure(() => training(definition(), backend), 4);
}
