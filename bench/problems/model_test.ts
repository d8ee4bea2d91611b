import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-layers";
import * as tf from "@tensorflow/tfjs-core";
import { random } from "../random.ts";
import { examplesOf, networks } from "./_testing.ts";
import { hasLayer, multilayer, outputsOf } from "./layers.ts";
import { type Batch, build, drop, evaluate, type Model, upload } from "./model.ts";
import { batches } from "./network.ts";

const draw = random("model test");

function set(variable: tf.Variable, values: Float32Array): void {
  tf.tidy(() => variable.assign(tf.tensor(values, variable.shape)));
}

/** The loss as it is trained. */
const trained = (model: Model, batch: Batch) => tf.tidy(() => model.loss(batch)().dataSync()[0]!);

for (const [name, network] of Object.entries(networks)) {
  Deno.test(`the gradients of ${name} agree with finite differences`, async () => {
    await tf.setBackend("cpu");
    const before = tf.memory().numTensors;
    const model = build({ network, seed: 1 });
    const batch = upload(examplesOf(network, 5, 6), network.loss);
    // Zero is a kink of the ReLU and a symmetric point of the logistic model.
    for (const variable of model.variables) {
      set(variable, Float32Array.from(variable.dataSync(), (v) => v + draw.normal() / 3));
    }
    const { value, grads } = tf.variableGrads(model.loss(batch), model.variables);
    // In evaluation a normalization has other statistics, else there the loss is in float64.
    const lossOf = () =>
      hasLayer(network.layers, "batchNormalization")
        ? trained(model, batch)
        : evaluate(model, batch).loss;
    const step = 1e-3;
    for (const variable of model.variables) {
      const values = Float32Array.from(variable.dataSync());
      const gradient = grads[variable.name]!.dataSync();
      const off: string[] = [];
      for (let k = 0; k < 4; k++) {
        const direction = Float64Array.from(values, () => draw.normal());
        const length = Math.hypot(...direction);
        const at = (shift: number) => {
          set(variable, values.map((v, i) => v + shift * direction[i]! / length));
          return lossOf();
        };
        const slope = (at(step) - at(-step)) / (2 * step);
        const expected = direction.reduce((sum, d, i) => sum + d * gradient[i]! / length, 0);
        // float32 over that step, and its square for the third derivative.
        const bound = 5e-4 + 0.01 * Math.abs(expected);
        if (!(Math.abs(slope - expected) < bound)) off.push(`${slope} and ${expected}`);
      }
      // Where a ReLU turns within the step, there is no slope.
      assert.ok(off.length < 2, off.join("; "));
      set(variable, values);
    }
    tf.dispose([value, grads] as tf.TensorContainer);
    model.dispose();
    drop(batch);
    assert.equal(tf.memory().numTensors, before);
  });
}

Deno.test("evaluate() agrees with the loss that is trained", async () => {
  await tf.setBackend("cpu");
  for (const network of Object.values(networks)) {
    if (hasLayer(network.layers, "batchNormalization")) continue;
    const model = build({ network, seed: 2 });
    const batch = upload(examplesOf(network, 2), network.loss);
    assert.ok(Math.abs(evaluate(model, batch).loss - trained(model, batch)) < 2e-6);
    model.dispose();
    drop(batch);
  }
});

Deno.test("batch normalization trains by the batch and is evaluated by averages, once a step", async () => {
  await tf.setBackend("cpu");
  const model = build({
    network: {
      input: [1],
      layers: [{ type: "batchNormalization" }, { type: "dense", units: 1, linear: true }],
      loss: "squared",
    },
    seed: 1,
  });
  set(model.variables[2]!, Float32Array.of(1));
  const x = Float32Array.of(1, 5); // mean 3, variance 4
  const batch = upload({ count: 2, features: 1, x, y: Float32Array.of(0, 0) }, "squared");
  const outputs = () => tf.tidy(() => [...model.outputs(batch).dataSync()]);
  const close = (actual: number, expected: number) =>
    assert.ok(Math.abs(actual - expected) < 1e-5, `${actual}, expected ${expected}`);
  const loss = model.loss(batch);
  for (let call = 0; call < 2; call++) {
    // (1 − 3)/2 and (5 − 3)/2: ½·1, but for ε.
    close(tf.tidy(() => loss().dataSync()[0]!), 0.5);
    // Averages of 0.1·3 and 0.9 + 0.1·4.
    outputs().forEach((y, i) => close(y, (x[i]! - 0.3) / Math.sqrt(1.3 + 1e-5)));
  }
  model.dispose();
  drop(batch);
});

Deno.test("evaluate() has the squared error of an example, and no accuracy", async () => {
  await tf.setBackend("cpu");
  const model = build({ network: multilayer([1, 2], "squared"), seed: 1 }); // weights are 0
  const y = Float32Array.of(1, 2, 3, 0);
  const batch = upload({ count: 2, features: 1, x: Float32Array.of(1, 1), y }, "squared");
  // (½(1 + 4) + ½ 9)/2
  assert.deepEqual(evaluate(model, batch), { loss: 3.5 });
  model.dispose();
  drop(batch);
});

Deno.test("outputsOf() refuses losses of another number of outputs", () => {
  assert.throws(() => outputsOf(multilayer([4, 1])), /classification of 1 output; one output/);
  assert.throws(() => outputsOf(multilayer([4, 3], "binary")), /binary of 3 outputs; one output/);
  assert.equal(outputsOf(multilayer([4, 1], "squared")), 1);
  const noSampling = multilayer([4, 4], "variational");
  assert.throws(() => outputsOf(noSampling), /variational loss needs a layer that samples/);
});

Deno.test("batches() shows every example once an epoch", () => {
  const order = batches(10, 5, 1);
  const epoch = () => [...order.next().value, ...order.next().value].sort((a, b) => a - b);
  assert.deepEqual(epoch(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  assert.deepEqual(epoch(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});
