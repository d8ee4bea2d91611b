/**
 * Closures that know the distribution of their labels.
 *
 * @module
 */
import { checkOptions, checkValue, type Kind } from "@precond/core/backend";
import * as kinds from "@precond/core/kinds";
import * as tf from "@tensorflow/tfjs-core";
import { exampleSigns } from "./residuals.ts";

/** A closure for `minimize` that also gives curvature samples. */
export interface LikelihoodLoss {
  /** The mean negative log-likelihood over the batch. */
  (): tf.Scalar;
  /**
   * A scalar whose gradient is that of the mean loss for labels drawn from the model's own
   * distribution; its value means nothing.
   */
  resampled(seed: number): tf.Scalar;
  /** The mean over the batch of the examples' losses, each times a random sign. */
  signed?(seed: number): tf.Scalar;
  /** Examples in the batch. */
  batchSize(): number;
}

/** Whether a closure is a {@linkcode LikelihoodLoss}. */
export function isLikelihood(f: () => tf.Scalar): f is LikelihoodLoss {
  return "resampled" in f && "batchSize" in f;
}

/**
 * A scalar whose gradient with respect to `outputs` is `(expected − drawn)/B`.
 *
 * For the exponential families in their natural parameters that is the gradient of the negative
 * log-likelihood, so that sampling needs no gradient of its own.
 */
export function withGradient(outputs: tf.Tensor, residual: () => tf.Tensor): tf.Scalar {
  const custom = tf.customGrad((...args: (tf.Tensor | tf.GradSaveFunc)[]) => {
    const save = args[args.length - 1] as tf.GradSaveFunc;
    save([residual()]);
    return {
      value: tf.scalar(0),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => tf.mul(saved[0]!, dy),
    };
  });
  return custom(outputs) as tf.Scalar;
}

/** Makes one of its mean loss, its losses of each element or example, and its drawn loss. */
export function likelihood(
  loss: () => tf.Scalar,
  each: () => tf.Tensor,
  resampled: (seed: number) => tf.Scalar,
  batchSize: () => number,
  batchAxis = 0,
): LikelihoodLoss {
  const signed = (seed: number) => {
    const losses = each();
    const B = batchSize();
    const along = losses.shape.map((_, axis) => axis === batchAxis ? B : 1);
    const signs = tf.reshape(exampleSigns(B, seed), along);
    return tf.div(tf.sum(tf.mul(losses, signs)), B) as tf.Scalar;
  };
  return Object.assign(() => loss(), { resampled, signed, batchSize });
}

/** Options of losses over batches. */
export interface BatchOptions {
  /** The axis of outputs and labels that counts the examples; default 0. Sequence-first models: 1. */
  readonly batchAxis?: number;
}

const tensor: Kind = { must: "be a tensor", type: (value) => value instanceof tf.Tensor };

/** Refuses what is no closure and no labels. */
export function checkGiven(action: string, outputs: () => tf.Tensor, labels: tf.Tensor): void {
  checkValue(action, outputs, kinds.callable, "what computes the outputs");
  checkValue(action, labels, tensor, "what the outputs are compared with");
}

/**
 * The axis of the examples.
 *
 * @throws {TypeError | RangeError} For options that do not exist, or no axis.
 */
export function batchAxisOf(action: string, options: BatchOptions, labels: tf.Tensor): number {
  const last = Math.max(0, labels.rank - 1);
  const { batchAxis = 0 } = checkOptions(action, options, { batchAxis: kinds.integer(0, last) });
  return batchAxis;
}

/** Refuses labels of another shape than the outputs. */
export function checkShapes(what: string, outputs: tf.Tensor, labels: tf.Tensor): void {
  if (outputs.shape.join() !== labels.shape.join()) {
    throw new TypeError(
      `Cannot compute the ${what} loss: the model gives shape [${outputs.shape}], the labels have shape [${labels.shape}]`,
    );
  }
}
