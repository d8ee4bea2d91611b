import assert from "node:assert/strict";
import { assertAllClose } from "@precond/testing";
import {
  chain,
  clipByGlobalNorm,
  createOptimizer,
  type Definition,
  learningRate,
  type Optimizer,
  perParameter,
  type Schedule,
  sgd,
} from "../mod.ts";
import {
  constant,
  cosine,
  exponential,
  linear,
  stepDecay,
  warmRestarts,
  warmUp,
} from "../pieces.ts";

function step(optimizer: Optimizer, gradients: Record<string, number[]>, options = {}) {
  const given = Object.entries(gradients).map(([name, gradient]) =>
    [name, {
      weights: new Float32Array(gradient.length),
      gradient: Float32Array.from(gradient),
    }] as const
  );
  optimizer.step(Object.fromEntries(given), options);
  return Object.fromEntries(
    given.map(([name, { weights }]) => [name, [...weights].map((w) => -w)]),
  );
}

Deno.test("schedules at 0, in the middle, at the end and beyond", () => {
  const cases: [string, Schedule, [n: number, rate: number][]][] = [
    ["constant", constant(0.3), [[0, 0.3], [1e9, 0.3]]],
    ["linear", linear({ from: 1, to: 0.2, steps: 8 }), [[0, 1], [4, 0.6], [8, 0.2], [99, 0.2]]],
    ["linear upwards", linear({ from: 0, to: 2, steps: 4 }), [[0, 0], [1, 0.5], [4, 2], [5, 2]]],
    ["cosine", cosine({ from: 1, steps: 6 }), [[0, 1], [2, 0.75], [3, 0.5], [4, 0.25], [6, 0], [
      7,
      0,
    ]]],
    ["cosine to .5", cosine({ from: 1.5, to: 0.5, steps: 4 }), [[0, 1.5], [2, 1], [4, 0.5], [
      40,
      0.5,
    ]]],
    ["warmUp", warmUp({ steps: 4, then: 0.8 }), [[0, 0.2], [1, 0.4], [3, 0.8], [4, 0.8], [9, 0.8]]],
    [
      "warmUp, then linear",
      warmUp({ steps: 2, then: linear({ from: 1, to: 0, steps: 2 }) }),
      [[0, 0.5], [1, 1], [2, 1], [3, 0.5], [4, 0], [5, 0]],
    ],
    [
      "stepDecay",
      stepDecay({ from: 1, factor: 0.5, every: 3 }),
      [[0, 1], [2, 1], [3, 0.5], [5, 0.5], [6, 0.25], [30, 2 ** -10]],
    ],
    [
      "exponential",
      exponential({ from: 8, factor: 0.25, every: 2 }),
      [[0, 8], [1, 4], [2, 2], [5, 0.25]],
    ],
    ["warmRestarts", warmRestarts({ from: 1, steps: 4 }), [[0, 1], [2, 0.5], [4, 1], [
      4e9 + 2,
      0.5,
    ]]],
    [
      "warmRestarts, longer and lower",
      warmRestarts({ from: 4, to: 1, steps: 2, lengthen: 3, shrink: 0.5 }),
      // Periods of 2, 6, 18 updates from 4, 2, 1 down to 1.
      [[0, 4], [1, 2.5], [2, 2], [5, 1.5], [8, 1], [17, 1], [26, 0.5]],
    ],
  ];
  for (const [name, schedule, values] of cases) {
    const found = values.map(([n]) => schedule(n));
    assertAllClose(
      found,
      values.map(([, rate]) => rate),
      { relative: 1e-15, absolute: 1e-16 },
      name,
    );
  }
});

Deno.test("the first update is schedule(0), and the override replaces it until it is taken back", () => {
  const optimizer = createOptimizer(chain(learningRate(linear({ from: 1, to: 0, steps: 4 }))));
  const rate = (options = {}) => step(optimizer, { w: [1] }, options).w![0];
  assert.equal(rate(), 1);
  assert.equal(optimizer.learningRate, 0.75); // of the next update
  optimizer.learningRate = 0.125;
  assert.deepEqual([rate(), rate({ learningRate: 2 })], [0.125, 2]);
  optimizer.learningRate = undefined;
  assert.equal(rate(), 0.25); // the schedule went on meanwhile: n = 3
});

Deno.test("an override is refused if it is no learning rate", () => {
  const optimizer = createOptimizer(sgd());
  for (const bad of [-1, NaN, Infinity]) {
    assert.throws(() => step(optimizer, { w: [1] }, { learningRate: bad }), {
      name: "RangeError",
      message: `Cannot step: learningRate must be finite and not negative, current value is ${bad}`,
    });
  }
  assert.equal(optimizer.iteration, 0);
});

Deno.test("a multiplier is applied on top, by parameter", () => {
  const definition = chain(
    learningRate(0.5, { multiplier: ({ name, shape }) => name === "bias" ? 4 : shape[0]! }),
  );
  assert.deepEqual(step(createOptimizer(definition), { bias: [1], kernel: [1, 1, 1] }), {
    bias: [2],
    kernel: [1.5, 1.5, 1.5],
  });
});

const groups = (...list: [string | RegExp, Definition][]) =>
  perParameter(list.map(([match, chain]) => ({ match, chain: chain as ReturnType<typeof sgd> })));

Deno.test("the first group that matches trains the parameter", () => {
  const definition = groups(
    [/^a/g, sgd({ learningRate: 1 })],
    ["ab", sgd({ learningRate: 10 })],
    [/b/, sgd({ learningRate: 100 })],
  );
  const optimizer = createOptimizer(definition);
  for (let t = 0; t < 3; t++) {
    assert.deepEqual(step(optimizer, { b: [1], ab: [1], a: [1] }), { b: [100], ab: [1], a: [1] });
  }
});

Deno.test("a parameter that no group takes is a TypeError that names it, and nothing moves", () => {
  const optimizer = createOptimizer(groups(["a", sgd()], ["b", sgd()]));
  const a = { weights: new Float32Array(1), gradient: Float32Array.of(1) };
  assert.throws(() => optimizer.step({ a, other: { ...a, weights: new Float32Array(1) } }), {
    name: "TypeError",
    message: 'Cannot step "other": it matches none of the 2 parameter groups',
  });
  assert.deepEqual([a.weights[0], optimizer.iteration], [0, 0]);
});

Deno.test("a global norm runs over the parameters of its own group", () => {
  const clip = () => chain(clipByGlobalNorm(1));
  const found = step(createOptimizer(groups([/^a/, clip()], [/./, clip()])), {
    a1: [3],
    b: [0.5],
    a2: [4],
  });
  assertAllClose([found.a1![0]!, found.a2![0]!, found.b![0]!], [0.6, 0.8, 0.5]);
});

Deno.test("groups share the optimizer's iteration", () => {
  const slowly = () => chain(learningRate(linear({ from: 1, to: 0, steps: 2 })));
  const optimizer = createOptimizer(groups(["a", slowly()], ["b", slowly()]));
  step(optimizer, { a: [1] });
  assert.deepEqual(step(optimizer, { a: [1], b: [1] }), { a: [0.5], b: [0.5] });
  assert.equal(optimizer.iteration, 2);
});
