// A step that throws has changed nothing.
import {
  adam,
  chain,
  type Definition,
  diagonalNewton,
  fisher,
  gaussNewton,
  learningRate,
  momentum,
  naturalSnr,
  perParameter,
  sgd,
} from "@precond/core";
import { buildModel } from "@precond/onnx";
import assert from "node:assert/strict";
import { mlp, nodeOrt } from "../scenarios/builds.ts";
import type { Feeds } from "../hosts/ort.ts";
import type { TrainerOptions } from "./options.ts";
import { Trainer } from "./trainer.ts";

/** A normalization with running statistics, and Dropout. */
function network() {
  const m = buildModel();
  const p = (name: string, ...v: number[]) => m.parameter(name, [v.length], Float32Array.from(v));
  const x = m.input("x", ["N", 3]);
  const dropped = m.op("Dropout", [x, m.parameter("ratio", [], Float32Array.of(0.5))]);
  const inputs = [m.op("Mul", [dropped, p("w", 1, 2, 3)]), p("gamma", 1, 1, 1), p("beta", 0, 0, 0)];
  m.output(m.op("BatchNormalization", [...inputs, p("mean", 0, 0, 0), p("var", 1, 1, 1)], {}, "y"));
  return m.build();
}

const batch = (k: number): Feeds => {
  const numbers = (from: number) => Float32Array.from({ length: 12 }, (_, i) => Math.sin(from + i));
  return {
    x: { data: numbers(20 * k), dims: [4, 3] },
    labels: { data: numbers(20 * k + 7), dims: [4, 3] },
  };
};

/** Works for `good` updates; then every schedule fails until it is mended. */
function failing(good: number) {
  const state = { broken: true };
  const rate = (iteration: number) => iteration >= good && state.broken ? NaN : 0.01;
  return { state, rate };
}

const definitions: Readonly<Record<string, (rate: (iteration: number) => number) => Definition>> = {
  "a chain": (rate) => chain(momentum(), learningRate(rate)),
  // The group that fails comes last.
  "groups": (rate) =>
    perParameter([{ match: "w", chain: adam() }, {
      match: /./,
      chain: sgd({ learningRate: rate }),
    }]),
  "per-example squares or micro-batches": (rate) =>
    naturalSnr({ learningRate: rate, curvature: gaussNewton({ every: 2 }) }),
  "samples": (rate) => diagonalNewton({ learningRate: rate, curvature: fisher({ every: 1 }) }),
};

for (const [name, define] of Object.entries(definitions)) {
  for (const accumulate of name.startsWith("per-example") ? [2] : [1, 3]) {
    Deno.test(`An update that fails has changed nothing: ${name}, accumulate ${accumulate}`, async () => {
      const { state, rate } = failing(2);
      const open = (options: TrainerOptions) =>
        Trainer.create(nodeOrt, { model: network(), loss: { type: "mse" } }, {
          training: true,
          accumulate,
          seed: 7,
          ...options,
        });
      const tried = await open({ optimizer: define(rate) });
      const untroubled = await open({ optimizer: define(() => 0.01) });
      let k = 0;
      for (; k < 3 * accumulate - 1; k++) {
        for (const t of [tried, untroubled]) await t.step(batch(k));
      }
      const before = await tried.save();
      for (let again = 0; again < 2; again++) {
        await assert.rejects(tried.step(batch(k)), /NaN/);
        assert.deepEqual(await tried.save(), before);
        assert.equal(tried.iteration, 2);
      }
      state.broken = false;
      for (; k < 5 * accumulate; k++) {
        const [a, b] = [await tried.step(batch(k)), await untroubled.step(batch(k))];
        assert.equal(a.loss, b.loss);
      }
      assert.deepEqual(await tried.save(), await untroubled.save());
      for (const t of [tried, untroubled]) await t.release();
    });
  }
}

Deno.test("A run that fails between micro-batches has changed nothing", async () => {
  const options = { optimizer: adam(), accumulate: 3, training: true };
  const trainer = await Trainer.create(
    nodeOrt,
    { model: network(), loss: { type: "mse" } },
    options,
  );
  await trainer.step(batch(0));
  const before = await trainer.save();
  const bad = { ...batch(1), x: { data: new Float32Array(12).fill(NaN), dims: [4, 3] } };
  await assert.rejects(trainer.step(bad), /the loss is NaN/);
  assert.deepEqual(await trainer.save(), before);
  await trainer.release();
});

Deno.test("The gradient of a failed step is not taken for that of an update", async () => {
  const net = mlp();
  const { state, rate } = failing(1);
  const trainer = await Trainer.create(nodeOrt, net, { optimizer: sgd({ learningRate: rate }) });
  await trainer.step(net.feeds(0));
  await trainer.gradient("w1");
  await assert.rejects(trainer.step(net.feeds(1)));
  await assert.rejects(trainer.gradient("w1"), {
    name: "TypeError",
    message: /^Cannot read the gradient of "w1": the last step failed/,
  });
  state.broken = false;
  await trainer.step(net.feeds(1));
  await trainer.gradient("w1");
  await trainer.release();
});
