/**
 * The networks that wasm_training.ts times, on whatever backend.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import "@precond/tfjs/wasm_training";
import { median } from "../statistics.ts";

const { layers } = tfl;

/** A model with one batch. */
interface Network {
  readonly model: () => tfl.LayersModel;
  readonly batch: () => [x: tf.Tensor, y: tf.Tensor];
}

const classes = (batch: number) =>
  tf.oneHot(tf.tensor1d(Array.from({ length: batch }, (_, i) => i % 10), "int32"), 10);
const noise = (shape: number[]) => tf.randomNormal(shape, 0, 1, "float32", 1);
const glorot = (seed: number) => tfl.initializers.glorotUniform({ seed });
const convolution = (filters: number, seed: number, more: object = {}) =>
  layers.conv2d({
    ...{ filters, kernelSize: 5, padding: "same", activation: "relu" },
    kernelInitializer: glorot(seed),
    ...more,
  });
const separable = (filters: number, strides: number, seed: number) =>
  layers.separableConv2d({
    ...{ filters, kernelSize: 3, strides, padding: "same", activation: "relu" },
    depthwiseInitializer: glorot(seed),
    pointwiseInitializer: glorot(seed + 1),
  });
const output = (seed: number) =>
  layers.dense({ units: 10, activation: "softmax", kernelInitializer: glorot(seed) });

export const networks: Readonly<Record<string, Network>> = {
  "LeNet, batch 64": {
    model: () =>
      tfl.sequential({
        layers: [
          convolution(8, 1, { inputShape: [28, 28, 1] }),
          layers.maxPooling2d({ poolSize: 2 }),
          convolution(16, 2),
          layers.maxPooling2d({ poolSize: 2 }),
          ...[layers.flatten(), output(3)],
        ],
      }),
    batch: () => [noise([64, 28, 28, 1]), classes(64)],
  },
  "depthwise net, batch 32": {
    model: () =>
      tfl.sequential({
        layers: [
          convolution(16, 1, { inputShape: [32, 32, 3], kernelSize: 3 }),
          separable(32, 2, 2),
          separable(32, 1, 4),
          separable(64, 2, 6),
          layers.globalAveragePooling2d({}),
          output(8),
        ],
      }),
    batch: () => [noise([32, 32, 32, 3]), classes(32)],
  },
  "embedding and LSTM, batch 32": {
    model: () =>
      tfl.sequential({
        layers: [
          layers.embedding({ inputDim: 2000, outputDim: 32, inputLength: 40 }),
          layers.lstm({
            units: 64,
            kernelInitializer: glorot(1),
            recurrentInitializer: glorot(2),
          }),
          output(3),
        ],
      }),
    batch: () => {
      const words = Array.from({ length: 32 * 40 }, (_, i) => (i * 7919) % 2000);
      return [tf.tensor(words, [32, 40]), classes(32)];
    },
  },
};

/** A model on a backend, ready for steps. */
export async function prepared(backend: string, network: Network): Promise<() => Promise<number>> {
  await tf.setBackend(backend);
  const model = network.model(), [x, y] = network.batch();
  model.compile({ optimizer: tf.train.adam(1e-3), loss: "categoricalCrossentropy" });
  return async () => {
    await tf.setBackend(backend);
    const start = performance.now();
    await model.trainOnBatch(x, y);
    return performance.now() - start;
  };
}

/** What a backend took, and how often it was asked. */
export interface Beside {
  readonly wasm_ms: number;
  readonly other_ms: number;
  readonly other_over_wasm: number;
  readonly wasm_steps: number;
  readonly other_steps: number;
}

/** Times steps on wasm, `samples` of them before each of the `steps` on another backend; medians. */
export async function measureBeside(
  name: string,
  other: string,
  { samples, steps }: { readonly samples: number; readonly steps: number },
): Promise<Beside> {
  const network = networks[name]!;
  const wasm = await prepared("wasm", network), theirs = await prepared(other, network);
  for (let i = 0; i < 3; i++) await wasm(); // compiles
  if (other !== "cpu") { for (let i = 0; i < 3; i++) await theirs(); }
  const ours: number[] = [], beside: number[] = [];
  for (let i = 0; i < steps; i++) {
    for (let k = 0; k < samples; k++) ours.push(await wasm());
    beside.push(await theirs());
  }
  const [wasm_ms, other_ms] = [median(ours), median(beside)];
  return {
    ...{ wasm_ms, other_ms, other_over_wasm: other_ms / wasm_ms },
    ...{ wasm_steps: ours.length, other_steps: beside.length },
  };
}
