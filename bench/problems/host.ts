/**
 * The optimizers that tfjs has itself.
 *
 * @module
 */
import type { Schedule } from "@precond/core";
import * as tf from "@tensorflow/tfjs-core";
import type { HostOptimizer } from "../methods.ts";

/** A host's optimizer, and how its rate follows a schedule: tfjs has none. */
export interface Scheduled {
  readonly optimizer: tf.Optimizer;
  /** Sets the rate of a step. */
  before(step: number): void;
}

/** Adam and RMSProp read their rate, a plain field, on every step. */
function byField(optimizer: tf.Optimizer, schedule: Schedule): Scheduled {
  const field = optimizer as unknown as { learningRate: number };
  return { optimizer, before: (step) => field.learningRate = schedule(step) };
}

/** SGD and momentum keep it on the device. */
const bySetter = (optimizer: tf.SGDOptimizer, schedule: Schedule): Scheduled => ({
  optimizer,
  before: (step) => optimizer.setLearningRate(schedule(step)),
});

const makers: Readonly<Record<HostOptimizer, (schedule: Schedule) => Scheduled>> = {
  sgd: (schedule) => bySetter(tf.train.sgd(schedule(0)), schedule),
  momentum: (schedule) => bySetter(tf.train.momentum(schedule(0), 0.9), schedule),
  adam: (schedule) => byField(tf.train.adam(schedule(0), 0.9, 0.999, 1e-7), schedule),
  rmsprop: (schedule) => byField(tf.train.rmsprop(schedule(0), 0.9, 0, 1e-7), schedule),
};

/** A host's optimizer that follows a schedule. */
export function hostOptimizer(name: HostOptimizer, schedule: Schedule): Scheduled {
  return makers[name](schedule);
}
