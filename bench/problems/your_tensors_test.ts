import assert from "node:assert/strict";
import { constant } from "@precond/core/pieces";
import { methodNamed } from "../methods.ts";
import { tensorLearners } from "./your_tensors.ts";

const data = { train: { x: [], y: [] }, test: { x: [], y: [] } };
const how = (seed: number) => ({
  method: methodNamed("sgd"),
  schedule: constant(0.1),
  seed,
  batchSize: 4,
});

Deno.test("tensorLearners() starts every method from the same weights of a seed", async () => {
  const learners = tensorLearners({
    data,
    loss: "classification",
    // Draws other weights at each call.
    tfjs: (tf) =>
      tf.sequential({
        layers: [
          tf.layers.dense({ inputShape: [3], units: 4, activation: "tanh" }),
          tf.layers.dropout({ rate: 0.5 }),
          tf.layers.dense({ units: 3, activation: "softmax" }),
        ],
      }),
  }, { features: 3, outputs: 3 });
  const starts = [];
  for (const seed of [1, 1, 2]) {
    const learner = await learners("wasm", how(seed));
    starts.push(await learner.weights());
    const examples = {
      count: 4,
      features: 3,
      x: Float32Array.from({ length: 12 }, (_, i) => Math.sin(i)),
      y: Int32Array.of(0, 1, 2, 1),
    };
    const batch = learner.upload(examples);
    const { loss } = await learner.evaluate(batch);
    // Dropout is left out of what is measured.
    assert.equal((await learner.evaluate(batch)).loss, loss);
    await learner.step(batch, 0);
    learner.drop(batch);
    await learner.dispose();
  }
  assert.deepEqual(starts[1], starts[0]);
  assert.notDeepEqual(starts[2], starts[0]);
});

Deno.test("tensorLearners() takes logits from probabilities", async () => {
  const losses = [];
  for (const activation of ["softmax", "linear"] as const) {
    const learners = tensorLearners({
      data,
      loss: "classification",
      tfjs: (tf) =>
        tf.sequential({
          layers: [
            tf.layers.dense({ inputShape: [1], units: 2, kernelInitializer: "ones", activation }),
          ],
        }),
    }, { features: 1, outputs: 2 });
    const learner = await learners("wasm", how(1));
    // Kernels are ones, so that both classes are as likely.
    const batch = learner.upload({
      count: 2,
      features: 1,
      x: Float32Array.of(0.5, -2),
      y: Int32Array.of(0, 1),
    });
    losses.push((await learner.evaluate(batch)).loss);
    await learner.step(batch, 0);
    losses.push(...await learner.weights());
    learner.drop(batch);
    await learner.dispose();
  }
  const [probabilities, kernel, , logits, other] = losses as [
    number,
    Float32Array,
    Float32Array,
    number,
    Float32Array,
  ];
  assert.ok(Math.abs(probabilities - Math.log(2)) < 1e-6 && Math.abs(logits - Math.log(2)) < 1e-6);
  // The same step, too: residual (½ − [y = c]) x, mean of two, rate .1.
  const expected = [1 - 0.1 * (-0.5 * 0.5 + 0.5 * -2) / 2, 1 - 0.1 * (0.5 * 0.5 - 0.5 * -2) / 2];
  for (const actual of [kernel, other]) {
    expected.forEach((w, i) => assert.ok(Math.abs(actual[i]! - w) < 1e-5, `${actual}`));
  }
});
