/**
 * Models of the tasks with our optimizers, for model.fit().
 *
 * @module
 */
import { random } from "@precond/testing";
import * as tf from "@tensorflow/tfjs-core";
import * as layers from "@tensorflow/tfjs-layers";
import {
  adam,
  chain,
  type Definition,
  evidenceLoss,
  gaussNewton,
  inverseCurvature,
  learningRate,
  momentum,
  precond,
  scaleBy,
  signalFraction,
} from "../mod.ts";
import { type TaskName, tasks } from "./tasks.ts";

const examples = 80, batchSize = 8;

/** Name of an optimizer. */
export type OptimizerName = "adam" | "combined";

/** Rate and damping for each network, whose curvature is of another size. */
const settings: Readonly<Record<TaskName, { rate: number; damping: number; exponent: number }>> = {
  mlp: { rate: 0.2, damping: 0.1, exponent: 0.5 },
  cnn: { rate: 0.05, damping: 0.1, exponent: 1 },
  embedding: { rate: 0.05, damping: 0.02, exponent: 0.5 },
  lstm: { rate: 0.2, damping: 0.01, exponent: 0.5 },
};

const optimizers: Readonly<Record<OptimizerName, (task: TaskName) => Definition>> = {
  adam: () => adam({ learningRate: 0.03, epsilon: 1e-7 }),
  // All kinds of pieces at once: T, sampled curvature, momentum.
  combined: (task) => {
    const { rate, damping, exponent } = settings[task];
    return chain(
      scaleBy(signalFraction({ exponent })),
      scaleBy(inverseCurvature(gaussNewton({ every: 4 }), { damping })),
      momentum(),
      learningRate(rate),
    );
  },
};

/** A compiled model and its data; the caller disposes them. */
export interface Prepared {
  readonly model: layers.Sequential;
  readonly x: tf.Tensor;
  readonly y: tf.Tensor;
  /** The loss of a model that knows only how frequent the classes are. */
  readonly nothing: number;
  dispose(): void;
}

/** Makes a task's model, with an optimizer of ours, and its data. */
export function prepare(name: TaskName, optimizer: OptimizerName): Prepared {
  const task = tasks[name];
  const source = random(13);
  const set = Array.from({ length: examples }, () => task.example(source));
  const x = tf.tensor(set.flatMap(([values]) => values), [examples, ...task.shape]);
  const y = tf.tidy(() => tf.oneHot(tf.tensor1d(set.map(([, c]) => c), "int32"), task.classes));
  let nothing = 0;
  for (let c = 0; c < task.classes; c++) {
    const p = set.filter(([, label]) => label === c).length / examples;
    nothing -= p * Math.log(p);
  }
  const model = layers.sequential({ layers: task.layers() });
  model.compile({
    optimizer: precond(optimizers[optimizer](name), { seed: 5 }),
    loss: evidenceLoss("categoricalCrossentropy"),
  });
  const dispose = () => {
    model.optimizer.dispose();
    model.dispose();
    tf.dispose([x, y]);
  };
  return { model, x, y, nothing, dispose };
}

/** The loss of every batch. */
export async function fit({ model, x, y }: Prepared, epochs: number): Promise<number[]> {
  const losses: number[] = [];
  const onBatchEnd = (_: number, logs?: { loss?: number }) => void losses.push(logs!.loss!);
  const callbacks = { onBatchEnd };
  await model.fit(x, y, { epochs, batchSize, shuffle: false, verbose: 0, callbacks });
  return losses;
}
