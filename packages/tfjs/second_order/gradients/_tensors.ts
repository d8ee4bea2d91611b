/** @module */
import * as tf from "@tensorflow/tfjs-core";

/** Runs a kernel with one output, on the tape. */
export function runKernel(
  name: string,
  inputs: tf.NamedTensorMap,
  attrs?: tf.NamedAttrMap,
): tf.Tensor {
  return tf.engine().runKernel(name, inputs, attrs) as tf.Tensor;
}

/** Zeros of float32, whatever the dtype of `x`: what tfjs demands of every gradient. */
export function zerosFor(x: tf.Tensor): () => tf.Tensor {
  const { shape } = x;
  return () => tf.zeros(shape);
}

/** The gradient of a broadcast: sums `x` down to `shape`. */
export function sumTo(x: tf.Tensor, shape: number[]): tf.Tensor {
  const axes = tf.broadcast_util.getReductionAxes(shape, x.shape);
  return tf.reshape(axes.length > 0 ? tf.sum(x, axes) : x, shape);
}
