/**
 * Networks for the tasks on which optimizers train without options.
 *
 * @module
 */
import { constantLoss, type DefaultTaskName, type TaskData, taskExamples } from "@precond/testing";
import * as tf from "@tensorflow/tfjs-core";
import * as layers from "@tensorflow/tfjs-layers";
import { tasks } from "./tasks.ts";

const { initializers, layers: make } = layers;

const init = (seed: number) => ({ kernelInitializer: initializers.glorotUniform({ seed }) });

/** Layers by task, drawn with a seed. */
export const defaultNetworks: Readonly<
  Record<DefaultTaskName, (seed: number) => layers.layers.Layer[]>
> = {
  "linear regression with a large offset": (seed) => [
    make.dense({ units: 1, inputShape: [5], ...init(seed) }),
  ],
  "regression MLP": (seed) => [
    make.dense({ units: 16, activation: "relu", inputShape: [4], ...init(seed) }),
    make.dense({ units: 1, ...init(seed + 1) }),
  ],
  "blobs": (seed) => [
    make.dense({ units: 16, activation: "tanh", inputShape: [4], ...init(seed) }),
    make.dense({ units: 3, activation: "softmax", ...init(seed + 1) }),
  ],
  "spirals": (seed) => [
    make.dense({ units: 24, activation: "relu", inputShape: [2], ...init(seed) }),
    make.dense({ units: 24, activation: "relu", ...init(seed + 1) }),
    make.dense({ units: 2, activation: "softmax", ...init(seed + 2) }),
  ],
  "autoencoder": (seed) => [
    make.dense({ units: 4, activation: "tanh", inputShape: [12], ...init(seed) }),
    make.dense({ units: 12, ...init(seed + 1) }),
  ],
  "convolutional net": () => tasks.cnn.layers(),
  "LSTM": () => tasks.lstm.layers(),
  "embedding": () => tasks.embedding.layers(),
};

/** Tensors of a task's data; the caller disposes them. */
export function dataOf(
  task: TaskData,
  seed: number,
  scale: number,
): { x: tf.Tensor; y: tf.Tensor; constant: number } {
  const { x, y } = task.draw(seed);
  return {
    x: tf.tensor(x.flat().map((v) => v * scale), [taskExamples, ...task.shape]),
    y: tf.tensor2d(y),
    constant: constantLoss(task, y),
  };
}
