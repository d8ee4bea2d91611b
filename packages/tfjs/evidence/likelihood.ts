/**
 * Losses that know the distribution of their labels, and so can be differentiated with labels
 * drawn from the model itself.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs-core";

/** A closure for `minimize` that also gives curvature samples. */
export interface LikelihoodLoss {
  /** The mean negative log-likelihood over the batch. */
  (): tf.Scalar;
  /**
   * A scalar whose gradient is that of the mean loss for labels drawn from the model's own
   * distribution; its value means nothing.
   */
  resampled(seed: number): tf.Scalar;
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
function withGradient(outputs: tf.Tensor, residual: () => tf.Tensor): tf.Scalar {
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

function likelihood(
  loss: () => tf.Scalar,
  resampled: (seed: number) => tf.Scalar,
  batchSize: () => number,
): LikelihoodLoss {
  return Object.assign(() => loss(), { resampled, batchSize });
}

function checkShapes(what: string, outputs: tf.Tensor, labels: tf.Tensor): void {
  if (outputs.shape.join() !== labels.shape.join()) {
    throw new TypeError(
      `Cannot compute the ${what} loss: the model gives shape [${outputs.shape}], the labels have shape [${labels.shape}]`,
    );
  }
}

/**
 * Softmax cross-entropy, mean over the batch: `−(1/B) Σᵢ log softmax(zᵢ)[yᵢ]`.
 *
 * Hand it to `minimize` in place of a closure that returns the loss: gradients are the same, and
 * `gaussNewton()` and `fisher()` get their samples (labels drawn by the Gumbel-max trick).
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
 * import { classification, curvatureOnly, precond } from "@precond/tfjs";
 *
 * const w = tf.variable(tf.zeros([2, 3]));
 * const x = tf.tensor2d([[1, 0], [0, 1]]), y = tf.tensor1d([0, 2], "int32");
 * const optimizer = precond(curvatureOnly({ learningRate: 0.1 }));
 * optimizer.minimize(classification(() => tf.matMul(x, w), y));
 * ```
 */
export function classification(logits: () => tf.Tensor, labels: tf.Tensor): LikelihoodLoss {
  const oneHot = (classes: number) =>
    labels.rank === 1
      ? tf.cast(tf.oneHot(tf.cast(labels, "int32") as tf.Tensor1D, classes), "float32")
      : labels;
  return likelihood(
    () => {
      const z = logits();
      const y = oneHot(z.shape[z.rank - 1]!);
      checkShapes("classification", z, y);
      return tf.losses.softmaxCrossEntropy(y, z) as tf.Scalar;
    },
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
 * @throws {TypeError} If the shapes differ.
 */
export function binary(logits: () => tf.Tensor, labels: tf.Tensor): LikelihoodLoss {
  return likelihood(
    () => {
      const z = logits();
      checkShapes("binary", z, labels);
      // softplus(z) − y z, stable for large |z|
      const each = tf.sub(tf.softplus(z), tf.mul(labels, z));
      return tf.div(tf.sum(each), z.shape[0]!) as tf.Scalar;
    },
    (seed) => {
      const z = logits();
      return withGradient(z, () => {
        const p = tf.sigmoid(z);
        const drawn = tf.less(tf.randomUniform(z.shape, 0, 1, "float32", seed), p);
        return tf.div(tf.sub(p, tf.cast(drawn, "float32")), z.shape[0]!);
      });
    },
    () => labels.shape[0]!,
  );
}

/**
 * Squared error `½‖y − f‖²` summed over an example's outputs, mean over the batch: the negative
 * log-likelihood of a Gaussian of unit variance, whose Gauss-Newton and Fisher matrix is JᵀJ.
 *
 * @param predictions Computes f, shape [B, …].
 * @param targets The same shape.
 * @throws {TypeError} If the shapes differ.
 */
export function squaredError(predictions: () => tf.Tensor, targets: tf.Tensor): LikelihoodLoss {
  return likelihood(
    () => {
      const f = predictions();
      checkShapes("squared error", f, targets);
      return tf.div(tf.sum(tf.square(tf.sub(f, targets))), 2 * f.shape[0]!) as tf.Scalar;
    },
    (seed) => {
      const f = predictions();
      return withGradient(
        f,
        () => tf.div(tf.randomNormal(f.shape, 0, 1, "float32", seed), f.shape[0]!),
      );
    },
    () => targets.shape[0]!,
  );
}
