/**
 * The losses of tfjs-layers by name, so that this package needs only tfjs-core. The same operations
 * in the same order, so that training is the same to the last bit.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs-core";

/** A loss of tfjs-layers: per-example losses, as a function of targets and predictions. */
export type LossFunction = (yTrue: tf.Tensor, yPred: tf.Tensor) => tf.Tensor;

/** Names of the losses of tfjs-layers. */
export type LossName =
  | "meanSquaredError"
  | "meanAbsoluteError"
  | "meanAbsolutePercentageError"
  | "meanSquaredLogarithmicError"
  | "squaredHinge"
  | "hinge"
  | "categoricalHinge"
  | "logcosh"
  | "categoricalCrossentropy"
  | "sparseCategoricalCrossentropy"
  | "binaryCrossentropy"
  | "kullbackLeiblerDivergence"
  | "poisson"
  | "cosineProximity";

/** Below it tfjs-layers clips; 1e-4 on 16-bit devices. */
export const epsilon = (): number => tf.backend().epsilon();
const largest = Number.MAX_VALUE;
const meanOf = (x: tf.Tensor) => tf.mean(x, -1);
// tf.square has another gradient, which rounds differently.
const squared = (x: tf.Tensor) => tf.mul(x, x);
const clipped = (p: tf.Tensor) => tf.clipByValue(p, epsilon(), 1 - epsilon());

function unitVector(x: tf.Tensor): tf.Tensor {
  const floats = x.dtype === "float32" ? x : tf.cast(x, "float32");
  const sum = tf.sum(squared(floats), -1, true);
  return tf.div(floats, tf.sqrt(tf.maximum(sum, tf.fill(sum.shape, epsilon()))));
}

function crossEntropy(y: tf.Tensor, p: tf.Tensor): tf.Tensor {
  const last = p.shape.length - 1;
  const shares = clipped(tf.div(p, tf.sum(p, last, true)));
  return tf.neg(tf.sum(tf.mul(tf.cast(y, "float32"), tf.log(shares)), last));
}

/** Class indices as one-hot labels of the shape of the predictions. */
function oneHot(y: tf.Tensor, p: tf.Tensor): tf.Tensor {
  const flat = tf.cast(tf.floor(tf.reshape(y, [y.size])), "int32") as tf.Tensor1D;
  return tf.reshape(tf.oneHot(flat, p.shape[p.shape.length - 1]!), p.shape);
}

/** Sigmoid cross-entropy of each element, stable for large |z|. */
function logistic(y: tf.Tensor, z: tf.Tensor): tf.Tensor {
  if (y.shape.join() !== z.shape.join()) {
    throw new TypeError(
      `Cannot compute the binary cross-entropy: the model gives shape [${z.shape}], the labels have shape [${y.shape}]`,
    );
  }
  return tf.add(tf.sub(tf.relu(z), tf.mul(z, y)), tf.log1p(tf.exp(tf.neg(tf.abs(z)))));
}

const byName: Readonly<Record<LossName, LossFunction>> = {
  meanSquaredError: (y, p) => meanOf(squared(tf.sub(p, y))),
  meanAbsoluteError: (y, p) => meanOf(tf.abs(tf.sub(p, y))),
  meanAbsolutePercentageError(y, p) {
    const part = tf.div(tf.sub(y, p), tf.clipByValue(tf.abs(y), epsilon(), largest));
    return tf.mul(100, meanOf(tf.abs(part)));
  },
  meanSquaredLogarithmicError(y, p) {
    const first = tf.log(tf.add(1, tf.clipByValue(p, epsilon(), largest)));
    const second = tf.log(tf.add(1, tf.clipByValue(y, epsilon(), largest)));
    return meanOf(squared(tf.sub(first, second)));
  },
  squaredHinge: (y, p) => meanOf(squared(tf.maximum(0, tf.sub(1, tf.mul(y, p))))),
  hinge: (y, p) => meanOf(tf.maximum(0, tf.sub(1, tf.mul(y, p)))),
  categoricalHinge(y, p) {
    const right = tf.sum(tf.mul(y, p), -1);
    const wrong = tf.max(tf.mul(tf.sub(1, y), p), -1);
    return tf.maximum(0, tf.add(1, tf.sub(wrong, right)));
  },
  logcosh(y, p) {
    const d = tf.sub(p, y);
    return meanOf(tf.sub(tf.add(d, tf.softplus(tf.mul(-2, d))), Math.log(2)));
  },
  categoricalCrossentropy: crossEntropy,
  // Clipped twice, as there.
  sparseCategoricalCrossentropy: (y, p) => crossEntropy(oneHot(y, p), clipped(p)),
  binaryCrossentropy(y, p) {
    const q = clipped(p);
    return meanOf(logistic(y, tf.log(tf.div(q, tf.sub(1, q)))));
  },
  kullbackLeiblerDivergence(y, p) {
    const [yq, pq] = [tf.clipByValue(y, epsilon(), 1), tf.clipByValue(p, epsilon(), 1)];
    return tf.sum(tf.mul(y, tf.log(tf.div(yq, pq))), -1);
  },
  poisson: (y, p) => meanOf(tf.sub(p, tf.mul(y, tf.log(tf.add(epsilon(), p))))),
  cosineProximity: (y, p) => tf.neg(tf.sum(tf.mul(unitVector(y), unitVector(p)), -1)),
};

/** From logits: what tfjs-layers cannot name; computed from log-probabilities, without clipping. */
const byNameOfLogits: Readonly<Partial<Record<LossName, LossFunction>>> = {
  categoricalCrossentropy: (y, z) =>
    tf.neg(tf.sum(tf.mul(tf.cast(y, "float32"), tf.logSoftmax(z)), -1)),
  sparseCategoricalCrossentropy: (y, z) =>
    tf.neg(tf.sum(tf.mul(tf.cast(oneHot(y, z), "float32"), tf.logSoftmax(z)), -1)),
  binaryCrossentropy: (y, z) => meanOf(logistic(y, z)),
};

/**
 * The loss of that name.
 *
 * @throws {TypeError} If there is no such loss, or it cannot be computed from logits.
 */
export function lossNamed(name: LossName, fromLogits = false): LossFunction {
  const known: Partial<Record<string, LossFunction>> = fromLogits ? byNameOfLogits : byName;
  const loss = Object.hasOwn(known, name) ? known[name] : undefined;
  if (!loss) {
    throw new TypeError(
      `Cannot find the loss "${name}"${fromLogits ? " of logits" : ""}: known are ${
        Object.keys(known).join(", ")
      }`,
    );
  }
  return (yTrue, yPred) => tf.tidy(() => loss(yTrue, yPred));
}
