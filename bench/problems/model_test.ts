import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-layers";
import * as tf from "@tensorflow/tfjs-core";
import { random } from "../random.ts";
import { type LossName, multilayer, outputsOf } from "./layers.ts";
import { build, evaluate, upload } from "./model.ts";
import { batches } from "./network.ts";

const draw = random("model test");
const examples = (loss: LossName, outputs: number) => ({
  count: 6,
  features: 4,
  x: Float32Array.from({ length: 24 }, draw.normal),
  y: loss === "squared"
    ? Float32Array.from({ length: 6 * outputs }, draw.normal)
    : Int32Array.from({ length: 6 }, () => draw.integer(Math.max(2, outputs))),
});
const cases = [
  ["mlp", [4, 5, 3], "classification"],
  ["logistic", [4, 1], "binary"],
  ["regression", [4, 5, 2], "squared"],
] as const;

function set(variable: tf.Variable, values: Float32Array): void {
  tf.tidy(() => variable.assign(tf.tensor(values, variable.shape)));
}

for (const [name, sizes, loss] of cases) {
  Deno.test(`the gradients of ${name} agree with finite differences`, async () => {
    await tf.setBackend("cpu");
    const before = tf.memory().numTensors;
    const model = build({ network: multilayer(sizes, loss), seed: 1 });
    const batch = upload(examples(loss, sizes.at(-1)!), loss);
    // Zero is a kink of the ReLU and a symmetric point of the logistic model.
    for (const variable of model.variables) {
      set(variable, Float32Array.from(variable.dataSync(), (v) => v + draw.normal() / 3));
    }
    const { value, grads } = tf.variableGrads(model.loss(batch), model.variables);
    const step = 1e-2;
    for (const variable of model.variables) {
      const values = Float32Array.from(variable.dataSync());
      const gradient = grads[variable.name]!.dataSync();
      for (let i = 0; i < values.length; i++) {
        const at = (shift: number) => {
          const moved = values.slice();
          moved[i]! += shift;
          set(variable, moved);
          return evaluate(model, batch).loss;
        };
        const slope = (at(step) - at(-step)) / (2 * step);
        // float32 logits over a step of 1e-2, and its square for the third derivative.
        assert.ok(Math.abs(slope - gradient[i]!) < 2e-4, `${slope} and ${gradient[i]}`);
      }
      set(variable, values);
    }
    tf.dispose([value, grads] as tf.TensorContainer);
    model.dispose();
    tf.dispose([batch.x, batch.y]);
    assert.equal(tf.memory().numTensors, before);
  });
}

Deno.test("evaluate() agrees with the loss that is trained", async () => {
  await tf.setBackend("cpu");
  for (const [, sizes, loss] of cases) {
    const model = build({ network: multilayer(sizes, loss), seed: 2 });
    const batch = upload(examples(loss, sizes.at(-1)!), loss);
    const trained = tf.tidy(() => model.loss(batch)().dataSync()[0]!);
    assert.ok(Math.abs(evaluate(model, batch).loss - trained) < 1e-6);
    model.dispose();
    tf.dispose([batch.x, batch.y]);
  }
});

Deno.test("evaluate() has the squared error of an example, and no accuracy", async () => {
  await tf.setBackend("cpu");
  const model = build({ network: multilayer([1, 2], "squared"), seed: 1 }); // weights are 0
  const y = Float32Array.of(1, 2, 3, 0);
  const batch = upload({ count: 2, features: 1, x: Float32Array.of(1, 1), y }, "squared");
  // (½(1 + 4) + ½ 9)/2
  assert.deepEqual(evaluate(model, batch), { loss: 3.5 });
  model.dispose();
  tf.dispose([batch.x, batch.y]);
});

Deno.test("outputsOf() refuses losses of another number of outputs", () => {
  assert.throws(() => outputsOf(multilayer([4, 1])), /classification of 1 output; one output/);
  assert.throws(() => outputsOf(multilayer([4, 3], "binary")), /binary of 3 outputs; one output/);
  assert.equal(outputsOf(multilayer([4, 1], "squared")), 1);
});

Deno.test("batches() shows every example once an epoch", () => {
  const order = batches(10, 5, 1);
  const epoch = () => [...order.next().value, ...order.next().value].sort((a, b) => a - b);
  assert.deepEqual(epoch(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  assert.deepEqual(epoch(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});
