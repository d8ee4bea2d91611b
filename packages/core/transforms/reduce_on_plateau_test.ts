import assert from "node:assert/strict";
import { chain, createOptimizer, momentum, perParameter, reduceOnPlateau, sgd } from "../mod.ts";

const at = (learningRate: number) => ({ learningRate });
const run = (plateau: ReturnType<typeof reduceOnPlateau>, ...metrics: number[]) =>
  metrics.map((metric) => plateau.update(metric));

Deno.test("the rate falls after more than `patience` metrics without improvement", () => {
  const optimizer = at(1);
  const plateau = reduceOnPlateau(optimizer, { patience: 2 });
  assert.deepEqual(run(plateau, 5, 5, 4, 4, 4), [1, 1, 1, 1, 1]);
  assert.deepEqual(run(plateau, 4, 4, 4, 4), [0.5, 0.5, 0.5, 0.25]); // three more each time
  assert.deepEqual(run(plateau, 3.9, 4, 4), [0.25, 0.25, 0.25]); // an improvement begins anew
  assert.equal(optimizer.learningRate, 0.25);
});

Deno.test("threshold, mode, cooldown and minimum", () => {
  const eager = { patience: 0 };
  // 4.5 is not better than 5 by more than 1; 3.9 is.
  assert.deepEqual(run(reduceOnPlateau(at(1), { ...eager, threshold: 1 }), 5, 4.5, 3.9), [
    1,
    0.5,
    0.5,
  ]);
  assert.deepEqual(run(reduceOnPlateau(at(1), { ...eager, mode: "max" }), 1, 2, 1.5), [1, 1, 0.5]);
  assert.deepEqual(run(reduceOnPlateau(at(1), { ...eager, cooldown: 2 }), 1, 1, 1, 1, 1), [
    1,
    0.5,
    0.5,
    0.5,
    0.25,
  ]);
  const low = at(1);
  assert.deepEqual(run(reduceOnPlateau(low, { ...eager, minimum: 0.3 }), 1, 1, 1, 1), [
    1,
    0.5,
    0.3,
    0.3,
  ]);
  const lower = at(0.1); // never raised to the minimum
  assert.deepEqual(run(reduceOnPlateau(lower, { ...eager, minimum: 0.3 }), 1, 1), [0.1, 0.1]);
});

Deno.test("an optimizer of which a group has no learning rate is refused when it is attached", () => {
  const without = { match: "b", chain: chain(momentum()) };
  const groups = perParameter([{ match: "a", chain: sgd({ learningRate: 1 }) }, without]);
  // As TensorFlow.js has it, where the rate is a number always.
  for (const definition of [groups, chain(momentum())]) {
    assert.throws(() => reduceOnPlateau({ learningRate: 1, definition }), {
      name: "TypeError",
      message: /^Cannot set the learning rate: the .* has no learningRate\(\); add learningRate/,
    });
  }
  assert.throws(() => reduceOnPlateau(createOptimizer(groups)), /the group of b has no learning/);
});

Deno.test("NaN and infinities are no improvement", () => {
  assert.deepEqual(run(reduceOnPlateau(at(1), { patience: 1 }), NaN, -Infinity, 3, 3), [
    1,
    0.5,
    0.5,
    0.5,
  ]);
});

Deno.test("its state goes on in another one, through JSON", () => {
  const whole = run(reduceOnPlateau(at(1), { patience: 2, cooldown: 1 }), 3, 3, 3, 3, 3, 3, 3, 3);
  const first = reduceOnPlateau(at(1), { patience: 2, cooldown: 1 });
  const before = run(first, 3, 3, 3);
  const state = JSON.parse(JSON.stringify(first.state));
  const second = reduceOnPlateau(at(before.at(-1)!), { patience: 2, cooldown: 1, state });
  assert.deepEqual([...before, ...run(second, 3, 3, 3, 3, 3)], whole);
});

Deno.test("it scales the groups of an optimizer, and its schedule rests", () => {
  const optimizer = createOptimizer(perParameter([
    { match: "a", chain: sgd({ learningRate: 1 }) },
    { match: "b", chain: sgd({ learningRate: 0.25 }) },
  ]));
  run(reduceOnPlateau(optimizer, { patience: 0 }), 1, 1);
  const [a, b] = [new Float32Array(1), new Float32Array(1)];
  const gradient = Float32Array.of(1);
  optimizer.step({ a: { weights: a, gradient }, b: { weights: b, gradient } });
  assert.deepEqual([a[0], b[0]], [-0.5, -0.125]);
});

Deno.test("an optimizer without a rate, and options that are none, are refused", () => {
  const action = "Cannot reduce the learning rate on a plateau: ";
  const bare = createOptimizer(chain(momentum()));
  for (const optimizer of [bare, sgd(), null, 0.1]) {
    assert.throws(() => reduceOnPlateau(optimizer as typeof bare), {
      name: "TypeError",
      message: new RegExp(`^${action}the first argument must be an optimizer with a learning rate`),
    });
  }
  for (
    const [options, name] of [
      [{ factor: 1 }, "RangeError"],
      [{ patience: -1 }, "RangeError"],
      [{ mode: "auto" }, "RangeError"],
      [{ min_lr: 0 }, "TypeError"],
      [{ state: {} }, "TypeError"],
      [{ state: { best: 1, waited: "1", resting: 0 } }, "RangeError"],
    ] as const
  ) {
    assert.throws(() => reduceOnPlateau(at(1), options as object), {
      name,
      message: new RegExp(`^${action}`),
    });
  }
  assert.throws(() => reduceOnPlateau(at(1)).update("3" as never), { message: /metric must be a/ });
});
