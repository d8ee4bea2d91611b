// What users of TensorFlow.js have reported not to train on wasm.
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import assert from "node:assert/strict";
import { adamW, precond } from "../mod.ts";
import { plain } from "./_testing.ts";

const tensor = (shape: number[], seed: number, scale = 1) =>
  tf.tidy(() => tf.mul(tf.tensor(plain(shape, seed).values, shape), scale));

/** tensorflow/tfjs#8474: Kernel 'Conv2DBackpropFilter' not registered for backend 'wasm'. */
async function digitsModel(): Promise<number[]> {
  const { layers } = tfl;
  const kernelInitializer = tfl.initializers.glorotUniform({ seed: 1 });
  const model = tfl.sequential();
  model.add(layers.conv2d({
    inputShape: [28, 28, 1],
    kernelSize: 5,
    filters: 8,
    activation: "relu",
    kernelInitializer,
  }));
  model.add(layers.maxPooling2d({ poolSize: [2, 2], strides: [2, 2] }));
  model.add(layers.flatten());
  model.add(layers.dense({ units: 10, activation: "softmax", kernelInitializer }));
  model.compile({ optimizer: "adam", loss: "categoricalCrossentropy" });
  const x = tensor([8, 28, 28, 1], 2);
  const y = tf.oneHot(tf.tensor1d([0, 1, 2, 3, 4, 5, 6, 7], "int32"), 10);
  const { history } = await model.fit(x, y, { epochs: 4, shuffle: false, verbose: 0 });
  model.dispose();
  tf.dispose([x, y]);
  return history.loss as number[];
}

/**
 * tensorflow/tfjs#8082: Kernel 'UnsortedSegmentSum' not registered for backend 'wasm', from AdamW on a
 * small GPT, whose embeddings are gathered.
 */
function smallGpt(): Promise<number[]> {
  const [vocabulary, length, width] = [11, 6, 8];
  const weights = {
    token: tf.variable(tensor([vocabulary, width], 1, 0.5)),
    position: tf.variable(tensor([length, width], 2, 0.5)),
    query: tf.variable(tensor([width, width], 3, 0.5)),
    key: tf.variable(tensor([width, width], 4, 0.5)),
    value: tf.variable(tensor([width, width], 5, 0.5)),
  };
  const tokens = tf.tensor1d([3, 1, 4, 1, 5, 9], "int32");
  const next = tf.tensor1d([1, 4, 1, 5, 9, 2], "int32");
  const later = tf.tensor2d(
    Array.from({ length: length ** 2 }, (_, i) => i % length > Math.floor(i / length) ? -1e9 : 0),
    [length, length],
  );
  const loss = () => {
    const x = tf.add(tf.gather(weights.token, tokens), weights.position);
    const [q, k, v] = [weights.query, weights.key, weights.value].map((w) => tf.matMul(x, w));
    const scores = tf.div(tf.matMul(q!, k!, false, true), Math.sqrt(width));
    const attended = tf.add(x, tf.matMul(tf.softmax(tf.add(scores, later)), v!));
    const logits = tf.matMul(attended, weights.token, false, true);
    const picked = tf.mul(tf.oneHot(next, vocabulary), tf.logSoftmax(logits));
    return tf.neg(tf.mean(tf.sum(picked, -1))) as tf.Scalar;
  };
  const optimizer = precond(adamW({ learningRate: 0.05, weightDecay: 0.01 }));
  const losses = Array.from({ length: 8 }, () => {
    const value = optimizer.minimize(loss, true)!;
    const [number] = value.dataSync();
    value.dispose();
    return number!;
  });
  optimizer.dispose();
  tf.dispose([...Object.values(weights), tokens, next, later]);
  return Promise.resolve(losses);
}

const reported = { "tensorflow/tfjs#8474": digitsModel, "tensorflow/tfjs#8082": smallGpt };

for (const [issue, train] of Object.entries(reported)) {
  Deno.test(`what ${issue} reports trains on wasm as on cpu`, async () => {
    await tf.setBackend("cpu");
    const expected = await train();
    await tf.setBackend("wasm");
    const losses = await train();
    losses.forEach((loss, i) => {
      assert.ok(Math.abs(loss - expected[i]!) < 1e-4 * expected[i]!, `${loss}, ${expected[i]}`);
    });
    assert.ok(losses.at(-1)! < 0.9 * losses[0]!, `${losses}`);
  });
}
