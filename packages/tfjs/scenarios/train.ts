/**
 * That model.fit() trains, for Deno and for pages.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs-core";
import { fit, type OptimizerName, prepare } from "./networks.ts";
import type { TaskName } from "./tasks.ts";

/** How far the MLP's losses of 50 steps may be from those on cpu, relatively. */
export const tolerances: Readonly<Record<OptimizerName, number>> = { adam: 1e-4, combined: 1e-4 };

/** What a backend can train: wasm lacks the kernels for convolutions and embeddings. */
export const tasksOf = (backend: string): readonly TaskName[] =>
  backend === "wasm" ? ["mlp", "lstm"] : ["mlp", "cnn", "embedding"];

/** Batches of an epoch of 80 examples. */
const batches = 10;
const keys = ["numTensors", "numDataBuffers", "numBytes"] as const;

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;

/** Epochs after which a task is learned. */
const enough = 5;

/**
 * The losses of each batch of some epochs. Throws unless a further epoch leaves no tensor and, if the
 * epochs were enough, its mean loss is below 75 % of the first batch's and of what a model that knows
 * nothing would have.
 */
export async function train(
  task: TaskName,
  optimizer: OptimizerName,
  epochs: number = enough,
): Promise<number[]> {
  const outside = tf.memory();
  const prepared = prepare(task, optimizer);
  const losses = await fit(prepared, epochs);
  const before = tf.memory();
  const further = await fit(prepared, epochs < enough ? 1 : 2);
  const after = tf.memory();
  prepared.dispose();
  const last = mean(further.slice(-batches));
  const bound = 0.75 * Math.min(prepared.nothing, losses[0]!);
  if (epochs >= enough && !(last < bound)) {
    throw new Error(
      `${task} with ${optimizer}: the loss went from ${
        losses[0]
      } to ${last}, expected below ${bound}`,
    );
  }
  for (const key of keys) {
    if (after[key] !== before[key]) {
      throw new Error(`${key} is ${after[key]}, expected ${before[key]} as before the last epoch`);
    }
  }
  if (tf.memory().numTensors !== outside.numTensors) {
    throw new Error(`${tf.memory().numTensors - outside.numTensors} tensors are left`);
  }
  return losses;
}
