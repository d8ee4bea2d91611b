/** @module */
import * as tf from "@tensorflow/tfjs-core";

function sameShape(action: string, labels: tf.Tensor, logits: tf.Tensor): void {
  if (labels.shape.join() !== logits.shape.join()) {
    throw new TypeError(
      `Cannot compute ${action}: labels have shape [${labels.shape}], logits [${logits.shape}]`,
    );
  }
}

/**
 * Mean over the examples of `log Σ exp z · Σ y − Σ y z`, in nats: `tf.losses.softmaxCrossEntropy`,
 * exact in every derivative, also with respect to the labels.
 *
 * @param labels y, one-hot or probabilities; [..., classes].
 * @param logits z, of the same shape.
 * @throws {TypeError} If the shapes differ.
 *
 * @example
 * ```ts
 * import * as tf from "@tensorflow/tfjs-core";
 * import "@tensorflow/tfjs-backend-cpu";
 * import "@tensorflow/tfjs-layers"; // registers the gradients
 * import { softmaxCrossEntropy } from "@precond/tfjs/second_order";
 * import assert from "node:assert/strict";
 *
 * const loss = softmaxCrossEntropy(tf.tensor2d([[1, 0, 0, 0]]), tf.zeros([1, 4]));
 * assert.ok(Math.abs(loss.dataSync()[0]! - Math.log(4)) < 1e-6);
 * ```
 */
export function softmaxCrossEntropy(labels: tf.Tensor, logits: tf.Tensor): tf.Scalar {
  sameShape("softmaxCrossEntropy()", labels, logits);
  return tf.tidy(() => {
    const y = tf.cast(labels, "float32"), z = tf.cast(logits, "float32");
    const normalizer = tf.mul(tf.logSumExp(z, -1), tf.sum(y, -1));
    return tf.mean(tf.sub(normalizer, tf.sum(tf.mul(y, z), -1)));
  });
}

/**
 * Mean over all elements of `log(1 + exp z) − y z`, in nats: `tf.losses.sigmoidCrossEntropy`, exact
 * in every derivative, also with respect to the labels.
 *
 * @param labels y, 0 or 1 or probabilities; any shape.
 * @param logits z, of the same shape.
 * @throws {TypeError} If the shapes differ.
 *
 * @example
 * ```ts
 * import * as tf from "@tensorflow/tfjs-core";
 * import "@tensorflow/tfjs-backend-cpu";
 * import "@tensorflow/tfjs-layers"; // registers the gradients
 * import { sigmoidCrossEntropy } from "@precond/tfjs/second_order";
 * import assert from "node:assert/strict";
 *
 * const loss = sigmoidCrossEntropy(tf.tensor1d([1, 0]), tf.zeros([2]));
 * assert.ok(Math.abs(loss.dataSync()[0]! - Math.log(2)) < 1e-6);
 * ```
 */
export function sigmoidCrossEntropy(labels: tf.Tensor, logits: tf.Tensor): tf.Scalar {
  sameShape("sigmoidCrossEntropy()", labels, logits);
  return tf.tidy(() => {
    const y = tf.cast(labels, "float32"), z = tf.cast(logits, "float32");
    return tf.mean(tf.sub(tf.softplus(z), tf.mul(y, z)));
  });
}
