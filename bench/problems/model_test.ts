import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-layers";
import * as tf from "@tensorflow/tfjs-core";
import { random } from "../random.ts";
import { dense, evaluate, upload } from "./model.ts";
import { batches } from "./network.ts";

const draw = random("model test");
const examples = (classes: number) => ({
  count: 6,
  features: 4,
  x: Float32Array.from({ length: 24 }, draw.normal),
  y: Int32Array.from({ length: 6 }, () => draw.integer(classes)),
});

function set(variable: tf.Variable, values: Float32Array): void {
  tf.tidy(() => variable.assign(tf.tensor(values, variable.shape)));
}

for (const [name, sizes, classes] of [["mlp", [4, 5, 3], 3], ["logistic", [4, 1], 2]] as const) {
  Deno.test(`the gradients of ${name} agree with finite differences`, async () => {
    await tf.setBackend("cpu");
    const before = tf.memory().numTensors;
    const model = dense(sizes, 1);
    const batch = upload(examples(classes), sizes.at(-1)!);
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
  for (const [sizes, classes] of [[[4, 5, 3], 3], [[4, 1], 2]] as const) {
    const model = dense(sizes, 2);
    const batch = upload(examples(classes), sizes.at(-1)!);
    const trained = tf.tidy(() => model.loss(batch)().dataSync()[0]!);
    assert.ok(Math.abs(evaluate(model, batch).loss - trained) < 1e-6);
    model.dispose();
    tf.dispose([batch.x, batch.y]);
  }
});

Deno.test("batches() shows every example once an epoch", () => {
  const order = batches(10, 5, 1);
  const epoch = () => [...order.next().value, ...order.next().value].sort((a, b) => a - b);
  assert.deepEqual(epoch(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  assert.deepEqual(epoch(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});
