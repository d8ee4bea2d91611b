import * as tf from "@tensorflow/tfjs-core";
import * as layers from "@tensorflow/tfjs-layers";
import assert from "node:assert/strict";
import "../_testing.ts";
import { adam, evidenceLoss, type LossName, precond, withEvidence } from "../mod.ts";
import { lossNamed } from "./losses.ts";

const probabilities = [
  "categoricalCrossentropy",
  "sparseCategoricalCrossentropy",
  "binaryCrossentropy",
  "kullbackLeiblerDivergence",
] as const;
const names: readonly LossName[] = [
  ...probabilities,
  "meanSquaredError",
  "meanAbsoluteError",
  "meanAbsolutePercentageError",
  "meanSquaredLogarithmicError",
  "squaredHinge",
  "hinge",
  "categoricalHinge",
  "logcosh",
  "poisson",
  "cosineProximity",
];

function makeModel(name: LossName): layers.Sequential {
  const activation = (probabilities as readonly string[]).includes(name) ? "softmax" : "softplus";
  const kernelInitializer = layers.initializers.glorotUniform({ seed: 3 });
  return layers.sequential({
    layers: [layers.layers.dense({ units: 3, activation, inputShape: [4], kernelInitializer })],
  });
}

function data(name: LossName): { x: tf.Tensor; y: tf.Tensor } {
  const x = tf.randomNormal([20, 4], 0, 1, "float32", 1);
  const classes = tf.tidy(() => tf.argMax(tf.slice(x, [0, 0], [20, 3]), 1) as tf.Tensor1D);
  const y = name === "sparseCategoricalCrossentropy"
    ? tf.cast(classes, "float32")
    : tf.cast(tf.oneHot(classes, 3), "float32");
  return { x, y };
}

/** The weights after training for 2 epochs; batches of 8, 8 and 4. */
async function trained(name: LossName, how: "plain" | "loss" | "model"): Promise<number[]> {
  const model = makeModel(name);
  const loss = how === "loss" ? evidenceLoss(name) : name;
  model.compile({ optimizer: precond(adam({ learningRate: 0.01 })), loss });
  if (how === "model") withEvidence(model);
  const { x, y } = data(name);
  await model.fit(x, y, { epochs: 2, batchSize: 8, shuffle: false, verbose: 0 });
  const weights = model.getWeights().flatMap((w) => [...w.dataSync()]);
  model.dispose();
  tf.dispose([x, y]);
  return weights;
}

for (const backend of ["cpu", "wasm"]) {
  Deno.test(`every loss by name is that of tfjs-layers to the last bit on ${backend}`, async (t) => {
    await tf.setBackend(backend);
    for (const name of names) {
      await t.step(name, async () => {
        const plain = await trained(name, "plain");
        assert.ok(plain.every(Number.isFinite));
        assert.deepEqual(await trained(name, "model"), plain);
        // tfjs knows the shape of sparse labels only by the identity of its own loss.
        if (name !== "sparseCategoricalCrossentropy") {
          assert.deepEqual(await trained(name, "loss"), plain);
        }
      });
    }
  });
}

Deno.test("sparse labels give the loss and the gradient of tfjs-layers, in any shape", async () => {
  await tf.setBackend("cpu");
  const name = "sparseCategoricalCrossentropy";
  const model = makeModel(name);
  model.compile({ optimizer: "sgd", loss: name });
  const theirs = (model as unknown as { model: layers.LayersModel }).model.lossFunctions[0]!;
  const p = tf.softmax(tf.randomNormal([2, 3, 4], 0, 3, "float32", 5));
  const y = tf.tensor3d([[[0], [1], [2]], [[3], [2], [1]]]);
  const both = [theirs, lossNamed(name), evidenceLoss(name)].map((f) => [
    ...f(y, p).dataSync(),
    ...tf.grad((q) => f(y, q))(p).dataSync(),
  ]);
  assert.deepEqual(both[1], both[0]);
  assert.deepEqual(both[2], both[0]);
});

Deno.test("cross-entropies of logits equal their formulas, for large logits too", async () => {
  await tf.setBackend("cpu");
  const z = tf.tensor2d([[2, 0, 1], [-300, 300, 0]]);
  const oneHot = tf.tensor2d([[1, 0, 0], [1, 0, 0]]);
  // ln(e² + 1 + e) − 2, and 600
  const expected = [Math.fround(Math.log(Math.exp(2) + 1 + Math.E) - 2), 600];
  const close = (values: ArrayLike<number>) =>
    assert.ok(expected.every((e, i) => Math.abs(values[i]! - e) < 1e-6 * e));
  close(evidenceLoss("categoricalCrossentropy", { fromLogits: true })(oneHot, z).dataSync());
  const sparse = evidenceLoss("sparseCategoricalCrossentropy", { fromLogits: true });
  close(sparse(tf.tensor2d([[0], [0]]), z).dataSync());
  // softplus(2), softplus(0), softplus(1), minus 2; then 300, 300, ln 2
  const binary = evidenceLoss("binaryCrossentropy", { fromLogits: true })(oneHot, z).dataSync();
  const softplus = [2, 0, 1].map((v) => Math.log1p(Math.exp(v))).reduce((a, b) => a + b);
  assert.ok(Math.abs(binary[0]! - (softplus - 2) / 3) < 1e-6);
  assert.ok(Math.abs(binary[1]! - (600 + Math.LN2) / 3) < 1e-4);
});

Deno.test("an unknown loss is refused with the known ones", () => {
  assert.throws(() => evidenceLoss("mse" as LossName), {
    name: "TypeError",
    message: /Cannot find the loss "mse": known are meanSquaredError, meanAbsoluteError/,
  });
  assert.throws(() => evidenceLoss("hinge", { fromLogits: true }), {
    message:
      'Cannot find the loss "hinge" of logits: known are categoricalCrossentropy, sparseCategoricalCrossentropy, binaryCrossentropy',
  });
  assert.throws(() => evidenceLoss((y, p) => tf.sub(y, p), { like: "hinge" }), {
    message: /Cannot draw labels like "hinge": known are categoricalCrossentropy/,
  });
});
