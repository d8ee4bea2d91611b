import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import assert from "node:assert/strict";
import { assertClose, type Plain, plain } from "./_testing.ts";

const { layers } = tfl;
const glorot = (seed: number) => tfl.initializers.glorotUniform({ seed });

/** A model and its data: what a program has, and nothing of this pack. */
interface Program {
  readonly model: () => tfl.LayersModel;
  readonly loss: string;
  readonly x: () => tf.Tensor;
  readonly y: () => tf.Tensor;
}

/** Eleven examples, so that the last batch of four is a short one. */
const n = 11;
const classes = () =>
  tf.oneHot(tf.tensor1d(Array.from({ length: n }, (_, i) => i % 3), "int32"), 3);
const numbers = (shape: number[]) => {
  const { values } = plain([n, ...shape], 4);
  return tf.tensor(values, [n, ...shape]);
};

const programs: Readonly<Record<string, Program>> = {
  "a convolutional net": {
    model: () =>
      tfl.sequential({
        layers: [
          layers.conv2d({
            inputShape: [10, 10, 2],
            filters: 4,
            kernelSize: 3,
            padding: "same",
            activation: "relu",
            kernelInitializer: glorot(1),
          }),
          layers.maxPooling2d({ poolSize: 2 }),
          // A bias before a normalization has no gradient but rounding errors.
          layers.depthwiseConv2d({
            useBias: false,
            kernelSize: 3,
            padding: "same",
            depthwiseInitializer: glorot(2),
          }),
          layers.batchNormalization(),
          layers.separableConv2d({
            filters: 6,
            kernelSize: 3,
            strides: 2,
            depthwiseInitializer: glorot(3),
            pointwiseInitializer: glorot(4),
            activation: "tanh",
          }),
          layers.flatten(),
          layers.dense({ units: 3, activation: "softmax", kernelInitializer: glorot(5) }),
        ],
      }),
    loss: "categoricalCrossentropy",
    x: () => numbers([10, 10, 2]),
    y: classes,
  },
  "a convolution over time": {
    model: () =>
      tfl.sequential({
        layers: [
          layers.conv1d({
            inputShape: [12, 3],
            filters: 5,
            kernelSize: 4,
            strides: 2,
            activation: "tanh",
            kernelInitializer: glorot(1),
          }),
          layers.globalAveragePooling1d(),
          layers.dense({ units: 3, kernelInitializer: glorot(2) }),
        ],
      }),
    loss: "meanSquaredError",
    x: () => numbers([12, 3]),
    y: classes,
  },
  "an embedding with an LSTM": {
    model: () =>
      tfl.sequential({
        layers: [
          layers.embedding({
            inputDim: 20,
            outputDim: 6,
            inputLength: 8,
            embeddingsInitializer: tfl.initializers.randomUniform({
              minval: -0.5,
              maxval: 0.5,
              seed: 1,
            }),
          }),
          layers.lstm({ units: 7, kernelInitializer: glorot(2), recurrentInitializer: glorot(3) }),
          layers.dense({ units: 3, activation: "softmax", kernelInitializer: glorot(4) }),
        ],
      }),
    loss: "categoricalCrossentropy",
    x: () => tf.tensor(Array.from({ length: n * 8 }, (_, i) => (7 * i + i % 5) % 20), [n, 8]),
    y: classes,
  },
};

/** Two epochs of plain `fit`: six steps. */
async function weightsAfterFit(backend: string, program: Program): Promise<Plain[]> {
  await tf.setBackend(backend);
  const model = program.model(), x = program.x(), y = program.y();
  model.compile({ optimizer: tf.train.momentum(0.05, 0.9), loss: program.loss });
  await model.fit(x, y, { epochs: 2, batchSize: 4, shuffle: false, verbose: 0 });
  const weights = model.getWeights().map((w) => ({
    shape: w.shape,
    values: (w.dataSync() as Float32Array).slice(),
  }));
  const before = tf.memory().numTensors;
  await model.fit(x, y, { epochs: 1, batchSize: 4, shuffle: false, verbose: 0 });
  assert.equal(tf.memory().numTensors, before, "steps leave no tensor");
  model.dispose();
  model.optimizer.dispose();
  tf.dispose([x, y]);
  return weights;
}

for (const [name, program] of Object.entries(programs)) {
  Deno.test(`model.fit() of ${name}: on wasm the weights are those on cpu`, async () => {
    const expected = await weightsAfterFit("cpu", program);
    const weights = await weightsAfterFit("wasm", program);
    // Float32 roundings of six steps, measured 1e-6.
    weights.forEach((w, i) => assertClose(w, expected[i]!.shape, expected[i]!.values, 2e-5));
    const start = program.model().getWeights();
    const moved = start.some((w, i) =>
      w.dataSync().some((v, k) => Math.abs(v - expected[i]!.values[k]!) > 1e-3)
    );
    assert.ok(moved, "six steps have moved the weights");
  });
}
