import assert from "node:assert/strict";
import {
  adam,
  type Chain,
  chain,
  createOptimizer,
  type Definition,
  learningRate,
  momentum,
  type Optimizer,
  perParameter,
  scaleBy,
  sgd,
  signalFraction,
} from "../mod.ts";
import { exponential, linear } from "../pieces.ts";
import { checkSetRate } from "../backend.ts";

const groups = (list: Record<string, Chain>) =>
  perParameter(Object.entries(list).map(([match, chain]) => ({ match, chain })));

/** What one step with gradient 1 subtracts from each parameter. */
function moved(optimizer: Optimizer, ...names: string[]): number[] {
  const given = names.map((name) =>
    [name, { weights: new Float32Array(1), gradient: Float32Array.of(1) }] as const
  );
  optimizer.step(Object.fromEntries(given));
  return given.map(([, { weights }]) => -weights[0]!);
}
const f32 = Math.fround;
const rateOf = (optimizer: Optimizer): number | undefined => optimizer.learningRate;

Deno.test("the rate is that of the next update, by the schedule or as set by hand", () => {
  const optimizer = createOptimizer(sgd({ learningRate: linear({ from: 1, to: 0, steps: 4 }) }));
  assert.equal(rateOf(optimizer), 1);
  moved(optimizer, "w");
  assert.equal(rateOf(optimizer), 0.75);
  optimizer.learningRate! *= 0.5;
  assert.equal(rateOf(optimizer), 0.375);
  assert.deepEqual(moved(optimizer, "w"), [0.375]);
  assert.deepEqual(moved(optimizer, "w"), [0.375]); // the schedule is not followed meanwhile
  optimizer.learningRate = undefined;
  assert.equal(rateOf(optimizer), 0.25);
});

Deno.test("reading asks no multiplier and never throws", () => {
  const asked = learningRate(0.5, { multiplier: ({ shape }) => 1 / shape[0]! });
  assert.equal(createOptimizer(chain(asked)).learningRate, 0.5);
  const broken = learningRate(() => {
    throw new Error("no rate");
  });
  assert.equal(createOptimizer(chain(broken)).learningRate, NaN);
  assert.equal(createOptimizer(chain(momentum())).learningRate, undefined);
});

Deno.test("groups keep their ratios when a rate is set", () => {
  const definition = groups({
    head: sgd({ learningRate: 0.5 }),
    body: sgd({ learningRate: exponential({ from: 0.25, factor: 0.5, every: 1 }) }),
  });
  const optimizer = createOptimizer(definition);
  assert.deepEqual(moved(optimizer, "head", "body"), [0.5, 0.25]);
  assert.equal(rateOf(optimizer), 0.5);
  optimizer.learningRate! *= 0.5; // body's own rate is .125 now, a fourth of head's
  assert.deepEqual(moved(optimizer, "head", "body"), [0.25, 0.0625]);
  assert.deepEqual(moved(optimizer, "head", "body"), [0.25, 0.0625]); // its schedule rests
  optimizer.learningRate = 0;
  assert.deepEqual(moved(optimizer, "head", "body"), [0, 0].map((x) => -x));
  optimizer.learningRate = undefined;
  assert.deepEqual(moved(optimizer, "head", "body"), [0.5, 0.25 / 16]);
  const given = { head: sgd({ learningRate: 0.1 }), body: sgd({ learningRate: 0.001 }) };
  const other = createOptimizer(groups(given));
  other.learningRate = 0.05;
  assert.deepEqual(moved(other, "head", "body"), [f32(0.05), f32(0.05 * (0.001 / 0.1))]);
});

Deno.test("where the first group's schedule has ended at 0, ratios are those of the start", () => {
  const definition = groups({
    head: sgd({ learningRate: linear({ from: 1, to: 0, steps: 1 }) }),
    body: sgd({ learningRate: linear({ from: 0.25, to: 0, steps: 1 }) }),
  });
  const optimizer = createOptimizer(definition);
  moved(optimizer, "head", "body");
  assert.equal(rateOf(optimizer), 0);
  optimizer.learningRate = 0.5; // a warm restart
  assert.deepEqual(moved(optimizer, "head", "body"), [0.5, 0.125]);
});

Deno.test("a rate for one step alone scales groups, too", () => {
  const definition = groups({ a: sgd({ learningRate: 1 }), b: sgd({ learningRate: 0.5 }) });
  const optimizer = createOptimizer(definition);
  const w = new Float32Array(1);
  optimizer.step({ b: { weights: w, gradient: Float32Array.of(1) } }, { learningRate: 0.25 });
  assert.deepEqual([w[0], optimizer.learningRate], [-0.125, 1]);
});

Deno.test("of several learning rates the last is the chain's", () => {
  const definition = chain(learningRate(0.5), momentum({ decay: 0 }), learningRate(0.25));
  const optimizer = createOptimizer(definition);
  assert.equal(rateOf(optimizer), 0.25);
  optimizer.learningRate = 1;
  assert.deepEqual(moved(optimizer, "w"), [0.5]);
  const inner = chain(scaleBy(signalFraction(), { to: learningRate(0.5) }));
  const nested = createOptimizer(inner);
  nested.learningRate! /= 2;
  assert.deepEqual(moved(nested, "w"), [0.25]);
});

Deno.test("a rate that has no place, or is none, is refused and changes nothing", () => {
  const without = scaleBy(signalFraction());
  const cases: [Definition, unknown, string, RegExp][] = [
    [
      chain(without),
      0.1,
      "TypeError",
      /the chain has no learningRate\(\); add learningRate\(1\)/,
    ],
    [groups({ a: sgd(), b: chain(without) }), 0.1, "TypeError", /the group of b has no learning/],
    [adam(), "0.1", "TypeError", /must be finite and not negative, current value is "0.1"/],
    [adam(), null, "TypeError", /current value is null/],
    [adam(), -1, "RangeError", /current value is -1/],
    [adam(), NaN, "RangeError", /current value is NaN/],
    [adam(), Infinity, "RangeError", /current value is Infinity/],
  ];
  for (const [definition, value, name, message] of cases) {
    const optimizer = createOptimizer(definition);
    const before = optimizer.learningRate;
    const set = () => optimizer.learningRate = value as number;
    for (const refused of [set, () => checkSetRate(definition, value as number)]) {
      assert.throws(refused, (error: Error) => {
        assert.match(error.message, /^Cannot set the learning rate: /);
        assert.match(error.message, message);
        return error.name === name;
      });
    }
    assert.equal(rateOf(optimizer), before);
  }
});

Deno.test("a rate set by hand is saved and restored, with the ratios of its moment", async () => {
  const definition = () =>
    groups({
      head: sgd({ learningRate: 0.5 }),
      body: sgd({ learningRate: exponential({ from: 0.25, factor: 0.5, every: 1 }) }),
    });
  const first = createOptimizer(definition());
  moved(first, "head", "body");
  first.learningRate = 0.25;
  moved(first, "head", "body");
  const second = createOptimizer(definition());
  second.load(await first.save());
  assert.equal(rateOf(second), 0.25);
  assert.deepEqual(moved(second, "head", "body"), [0.25, 0.0625]);
  second.learningRate = undefined;
  const third = createOptimizer(definition());
  third.learningRate = 3;
  third.load(await second.save()); // a file of an optimizer that follows its schedule
  assert.equal(rateOf(third), 0.5);
});

Deno.test("a saved rate is not dropped by a chain that has no place for it", async () => {
  const first = createOptimizer(chain(momentum(), learningRate(1)));
  first.learningRate = 0.5;
  moved(first, "w");
  const second = createOptimizer(chain(momentum()));
  const bytes = await first.save();
  assert.throws(() => second.load(bytes), { message: /the chain has no learningRate/ });
  assert.equal(second.iteration, 0);
});

Deno.test("a frozen first group stays frozen, and leaves the rate to the next", () => {
  const definition = groups({ head: sgd({ learningRate: 0 }), body: sgd({ learningRate: 0.5 }) });
  const optimizer = createOptimizer(definition);
  assert.equal(rateOf(optimizer), 0.5);
  optimizer.learningRate! *= 0.5;
  assert.deepEqual(moved(optimizer, "head", "body").map(Math.abs), [0, 0.25]);
});

Deno.test("groups without a ratio refuse a rate, and stay as they are", () => {
  const failing = Object.assign(() => NaN, {});
  for (const head of [0, failing]) {
    const definition = groups({
      head: sgd({ learningRate: head }),
      body: sgd({ learningRate: 0 }),
    });
    const optimizer = createOptimizer(definition);
    assert.throws(() => optimizer.learningRate = 0.5, {
      name: "RangeError",
      message: /^Cannot set the learning rate: after 0 updates it is (0|NaN) .* no ratio to keep/,
    });
  }
});

Deno.test("a rate for one step is refused where the chain has no place for it", () => {
  const optimizer = createOptimizer(chain(momentum()));
  const weights = new Float32Array(1), gradient = Float32Array.of(1);
  assert.throws(() => optimizer.step({ w: { weights, gradient } }, { learningRate: 0.5 }), {
    name: "TypeError",
    message: /the chain has no learningRate/,
  });
  assert.deepEqual([weights[0], optimizer.iteration], [0, 0]);
});

Deno.test("what functions give for a rate must be numbers", () => {
  const weights = new Float32Array(1), gradient = Float32Array.of(1);
  for (const given of ["0.1", 1n, Promise.resolve(1), null]) {
    for (
      const stage of [
        learningRate((() => given) as never),
        learningRate(1, { multiplier: (() => given) as never }),
      ]
    ) {
      if (given === null && stage.perParameter) continue; // as if there were none
      const optimizer = createOptimizer(chain(stage));
      assert.throws(() => optimizer.step({ w: { weights, gradient } }), {
        name: "TypeError",
        message: /^Cannot step.*: the (learning rate|multiplier).* must be finite and not negative/,
      });
      assert.deepEqual([weights[0], optimizer.iteration], [0, 0]);
    }
  }
});
