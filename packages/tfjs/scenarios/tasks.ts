/**
 * Small learnable tasks, the same on every backend: data, layers and weights are seeded, dropout too.
 *
 * @module
 */
import { barsExample, pairsExample, type Random, tokensExample } from "@precond/testing";
import * as layers from "@tensorflow/tfjs-layers";

const { initializers, layers: make } = layers;

/** A task: its network, and the shape, the values and the class of an example. */
export interface Task {
  readonly shape: readonly number[];
  readonly classes: number;
  layers(): layers.layers.Layer[];
  example(source: Random): [values: number[], label: number];
}

const init = (seed: number) => ({ kernelInitializer: initializers.glorotUniform({ seed }) });
const recurrent = (seed: number) => ({
  ...init(seed),
  recurrentInitializer: initializers.glorotUniform({ seed: seed + 1 }),
});

/** Name of a task. */
export type TaskName = "mlp" | "cnn" | "embedding" | "lstm";

/** The tasks. */
export const tasks: Readonly<Record<TaskName, Task>> = {
  /** The class is the largest of the first three inputs. */
  mlp: {
    shape: [6],
    classes: 3,
    layers: () => [
      make.dense({ units: 12, activation: "tanh", inputShape: [6], ...init(1) }),
      make.dense({ units: 3, activation: "softmax", ...init(2) }),
    ],
    example({ normal }) {
      const x = Array.from({ length: 6 }, normal);
      return [x, x.indexOf(Math.max(...x.slice(0, 3)))];
    },
  },
  /** A bar across, a bar down or none, in noise. */
  cnn: {
    shape: [8, 8, 1],
    classes: 3,
    layers: () => [
      make.conv2d({
        filters: 4,
        kernelSize: 3,
        activation: "relu",
        inputShape: [8, 8, 1],
        ...init(3),
      }),
      make.maxPooling2d({ poolSize: 2 }),
      make.batchNormalization({ momentum: 0.8 }),
      make.flatten(),
      make.dropout({ rate: 0.1, seed: 4 }),
      make.dense({ units: 3, activation: "softmax", ...init(5) }),
    ],
    example: barsExample,
  },
  /** The class is that of the first of three tokens. */
  embedding: {
    shape: [3],
    classes: 2,
    layers: () => [
      make.embedding({
        inputDim: 6,
        outputDim: 4,
        inputLength: 3,
        embeddingsInitializer: initializers.randomUniform({ minval: -1, maxval: 1, seed: 6 }),
      }),
      make.lstm({ units: 6, ...recurrent(7) }),
      make.dense({ units: 2, activation: "softmax", ...init(9) }),
    ],
    example: tokensExample,
  },
  /** The class is the sign of the first of three numbers. */
  lstm: {
    shape: [3, 2],
    classes: 2,
    layers: () => [
      make.lstm({ units: 6, inputShape: [3, 2], ...recurrent(10) }),
      make.dense({ units: 2, activation: "softmax", ...init(12) }),
    ],
    example: pairsExample,
  },
};
