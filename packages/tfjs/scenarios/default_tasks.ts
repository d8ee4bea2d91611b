/**
 * Ordinary models on generated data, for optimizers without options.
 *
 * @module
 */
import { random } from "@precond/testing";
import * as tf from "@tensorflow/tfjs-core";
import * as layers from "@tensorflow/tfjs-layers";
import type { LossName } from "../mod.ts";
import { tasks } from "./tasks.ts";

const { initializers, layers: make } = layers;
const examples = 96;

/** A model and its data, drawn with a seed; inputs that are numbers come times `scale`. */
export interface DefaultTask {
  readonly loss: LossName;
  /** Whether the inputs are numbers and not tokens. */
  readonly scales: boolean;
  /** True if a constant prediction cannot be reached in so few steps that are bounded. */
  readonly far?: boolean;
  draw(seed: number): { x: number[][]; y: number[][] };
  readonly shape: readonly number[];
  layers(seed: number): layers.layers.Layer[];
}

const init = (seed: number) => ({ kernelInitializer: initializers.glorotUniform({ seed }) });
const normals = (n: number, normal: () => number) => Array.from({ length: n }, () => normal());
const oneHot = (label: number, classes: number) =>
  Array.from({ length: classes }, (_, c) => c === label ? 1 : 0);
const draws = (seed: number, draw: (source: ReturnType<typeof random>) => [number[], number[]]) => {
  const source = random(seed);
  const rows = Array.from({ length: examples }, () => draw(source));
  return { x: rows.map(([x]) => x), y: rows.map(([, y]) => y) };
};

function ofTask(name: keyof typeof tasks, scales: boolean): DefaultTask {
  const task = tasks[name];
  return {
    loss: "categoricalCrossentropy",
    scales,
    shape: task.shape,
    draw: (seed) =>
      draws(seed, (source) => {
        const [x, label] = task.example(source);
        return [x, oneHot(label, task.classes)];
      }),
    layers: () => task.layers(),
  };
}

/** The tasks by name. */
export const defaultTasks: Readonly<Record<string, DefaultTask>> = {
  "linear regression with a large offset": {
    loss: "meanSquaredError",
    scales: true,
    far: true,
    shape: [5],
    draw: (seed) =>
      draws(seed, ({ normal }) => {
        const x = normals(5, normal);
        return [x, [150 + 20 * x[0]! - 10 * x[1]! + normal()]];
      }),
    layers: (seed) => [make.dense({ units: 1, inputShape: [5], ...init(seed) })],
  },
  "regression MLP": {
    loss: "meanSquaredError",
    scales: true,
    shape: [4],
    draw: (seed) =>
      draws(seed, ({ normal }) => {
        const x = normals(4, normal);
        return [x, [Math.sin(2 * x[0]!) + x[1]! * x[2]! + normal() / 10]];
      }),
    layers: (seed) => [
      make.dense({ units: 16, activation: "relu", inputShape: [4], ...init(seed) }),
      make.dense({ units: 1, ...init(seed + 1) }),
    ],
  },
  "blobs": {
    loss: "categoricalCrossentropy",
    scales: true,
    shape: [4],
    draw: (seed) =>
      draws(seed, ({ normal, integer }) => {
        const label = integer(3);
        return [normals(4, normal).map((v, i) => v + (i === label ? 2 : 0)), oneHot(label, 3)];
      }),
    layers: (seed) => [
      make.dense({ units: 16, activation: "tanh", inputShape: [4], ...init(seed) }),
      make.dense({ units: 3, activation: "softmax", ...init(seed + 1) }),
    ],
  },
  "spirals": {
    loss: "categoricalCrossentropy",
    scales: true,
    shape: [2],
    draw: (seed) =>
      draws(seed, ({ uniform, normal, integer }) => {
        const label = integer(2), t = 0.5 + 3 * uniform();
        const angle = t + label * Math.PI;
        const noise = () => normal() / 20;
        return [
          [t * Math.cos(angle) / 2 + noise(), t * Math.sin(angle) / 2 + noise()],
          oneHot(label, 2),
        ];
      }),
    layers: (seed) => [
      make.dense({ units: 24, activation: "relu", inputShape: [2], ...init(seed) }),
      make.dense({ units: 24, activation: "relu", ...init(seed + 1) }),
      make.dense({ units: 2, activation: "softmax", ...init(seed + 2) }),
    ],
  },
  "autoencoder": {
    loss: "meanSquaredError",
    scales: true,
    shape: [12],
    draw: (seed) =>
      draws(seed, ({ normal }) => {
        const z = normals(3, normal);
        const x = Array.from({ length: 12 }, (_, i) =>
          Math.tanh(z[i % 3]! + z[(i + 1) % 3]! / 2) + normal() / 20);
        return [x, x];
      }),
    layers: (seed) => [
      make.dense({ units: 4, activation: "tanh", inputShape: [12], ...init(seed) }),
      make.dense({ units: 12, ...init(seed + 1) }),
    ],
  },
  "convolutional net": ofTask("cnn", true),
  "LSTM": ofTask("lstm", false),
  "embedding": ofTask("embedding", false),
};

/** The loss of the best prediction that does not look at the input. */
export function constantLoss({ loss }: DefaultTask, y: readonly (readonly number[])[]): number {
  const mean = y[0]!.map((_, j) => y.reduce((sum, row) => sum + row[j]!, 0) / y.length);
  if (loss === "meanSquaredError") {
    const total = y.flatMap((row) => row.map((v, j) => (v - mean[j]!) ** 2));
    return total.reduce((a, b) => a + b, 0) / total.length;
  }
  return -mean.reduce((sum, p) => sum + (p > 0 ? p * Math.log(p) : 0), 0);
}

/** Tensors of a task's data; the caller disposes them. */
export function dataOf(
  task: DefaultTask,
  seed: number,
  scale: number,
): { x: tf.Tensor; y: tf.Tensor; constant: number } {
  const { x, y } = task.draw(seed);
  return {
    x: tf.tensor(x.flat().map((v) => v * scale), [examples, ...task.shape]),
    y: tf.tensor2d(y),
    constant: constantLoss(task, y),
  };
}
