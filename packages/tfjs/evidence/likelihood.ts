/**
 * Losses that know the distribution of their labels, and so can be differentiated with labels
 * drawn from the model itself.
 *
 * @module
 */
import { checkNone } from "@precond/core/backend";
import * as tf from "@tensorflow/tfjs-core";
import {
  batchAxisOf,
  type BatchOptions,
  checkGiven,
  checkShapes,
  likelihood,
  type LikelihoodLoss,
  withGradient,
} from "./likelihood_loss.ts";

/**
 * Softmax cross-entropy, mean over the batch: `−(1/B) Σᵢ log softmax(zᵢ)[yᵢ]`.
 *
 * Hand it to `minimize` in place of a closure that returns the loss: gradients are the same,
 * `gaussNewton()` and `fisher()` get their samples (labels drawn by the Gumbel-max trick), and
 * `gradientSquares` theirs (random signs on the examples' losses).
 *
 * @param logits Computes the logits, shape [B, C], from the variables.
 * @param labels One-hot float [B, C], or int32 class indices [B].
 * @throws {TypeError} If the shapes do not fit.
 *
 * @example
 * ```ts
 * import * as tf from "@tensorflow/tfjs-core";
 * import "@tensorflow/tfjs-backend-cpu";
 * import "@tensorflow/tfjs-layers"; // registers the gradients
 * import { classification, diagonalNewton, precond } from "@precond/tfjs";
 *
 * const w = tf.variable(tf.zeros([2, 3]));
 * const x = tf.tensor2d([[1, 0], [0, 1]]), y = tf.tensor1d([0, 2], "int32");
 * const optimizer = precond(diagonalNewton({ learningRate: 0.1 }));
 * optimizer.minimize(classification(() => tf.matMul(x, w), y));
 * ```
 */
export function classification(
  logits: () => tf.Tensor,
  labels: tf.Tensor,
  ...none: readonly never[]
): LikelihoodLoss {
  const action = "make the classification loss";
  checkGiven(action, logits, labels);
  checkNone(action, none, "the first axis counts the examples, the last one the classes");
  const oneHot = (classes: number) =>
    labels.rank === 1
      ? tf.cast(tf.oneHot(tf.cast(labels, "int32") as tf.Tensor1D, classes), "float32")
      : labels;
  const crossEntropy = (reduction?: tf.Reduction) => {
    const z = logits();
    const y = oneHot(z.shape[z.rank - 1]!);
    checkShapes("classification", z, y);
    return tf.losses.softmaxCrossEntropy(y, z, undefined, 0, reduction);
  };
  return likelihood(
    () => crossEntropy() as tf.Scalar,
    () => crossEntropy(tf.Reduction.NONE),
    (seed) => {
      const z = logits();
      const [batch, classes] = z.shape as [number, number];
      return withGradient(z, () => {
        const uniform = tf.randomUniform(z.shape, 0, 1, "float32", seed);
        const gumbel = tf.neg(tf.log(tf.neg(tf.log(uniform))));
        const drawn = tf.oneHot(tf.argMax(tf.add(z, gumbel), 1) as tf.Tensor1D, classes);
        return tf.div(tf.sub(tf.softmax(z), tf.cast(drawn, "float32")), batch);
      });
    },
    () => labels.shape[0]!,
  );
}

/**
 * Logistic loss: sigmoid cross-entropy summed over an example's outputs, mean over the batch.
 *
 * @param logits Computes the logits, shape [B] or [B, K].
 * @param labels 0 or 1, the same shape.
 * @param options Which axis counts the examples.
 * @throws {TypeError} If the shapes differ.
 */
export function binary(
  logits: () => tf.Tensor,
  labels: tf.Tensor,
  options: BatchOptions = {},
): LikelihoodLoss {
  checkGiven("make the binary loss", logits, labels);
  const axis = batchAxisOf("make the binary loss", options, labels);
  const each = () => {
    const z = logits();
    checkShapes("binary", z, labels);
    // softplus(z) − y z, stable for large |z|
    return tf.sub(tf.softplus(z), tf.mul(labels, z));
  };
  return likelihood(
    () => {
      const losses = each();
      return tf.div(tf.sum(losses), losses.shape[axis]!) as tf.Scalar;
    },
    each,
    (seed) => {
      const z = logits();
      return withGradient(z, () => {
        const p = tf.sigmoid(z);
        const drawn = tf.less(tf.randomUniform(z.shape, 0, 1, "float32", seed), p);
        return tf.div(tf.sub(p, tf.cast(drawn, "float32")), z.shape[axis]!);
      });
    },
    () => labels.shape[axis]!,
    axis,
  );
}

/**
 * Squared error `½‖y − f‖²` summed over an example's outputs, mean over the batch: the negative
 * log-likelihood of a Gaussian of unit variance, whose Gauss-Newton and Fisher matrix is JᵀJ.
 *
 * @param predictions Computes f, shape [B, …].
 * @param targets The same shape.
 * @param options Which axis counts the examples.
 * @throws {TypeError} If the shapes differ.
 */
export function squaredError(
  predictions: () => tf.Tensor,
  targets: tf.Tensor,
  options: BatchOptions = {},
): LikelihoodLoss {
  checkGiven("make the squared error", predictions, targets);
  const axis = batchAxisOf("make the squared error", options, targets);
  const squares = () => {
    const f = predictions();
    checkShapes("squared error", f, targets);
    return tf.square(tf.sub(f, targets));
  };
  return likelihood(
    () => {
      const each = squares();
      return tf.div(tf.sum(each), 2 * each.shape[axis]!) as tf.Scalar;
    },
    () => tf.div(squares(), 2),
    (seed) => {
      const f = predictions();
      return withGradient(
        f,
        () => tf.div(tf.randomNormal(f.shape, 0, 1, "float32", seed), f.shape[axis]!),
      );
    },
    () => targets.shape[axis]!,
    axis,
  );
}
