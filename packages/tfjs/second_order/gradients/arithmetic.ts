/** @module */
import * as tf from "@tensorflow/tfjs-core";
import { sumTo } from "./_tensors.ts";

const pow: tf.GradConfig = {
  kernelName: tf.Pow,
  inputsToSave: ["a", "b"],
  outputsToSave: [true],
  gradFunc: (d, saved) => {
    const dy = d as tf.Tensor, [a, b, y] = saved as [tf.Tensor, tf.Tensor, tf.Tensor];
    return {
      a: () => {
        const n = tf.cast(b, "float32");
        // 0 · a⁻¹ is NaN at a = 0, and the second derivative of a¹ comes by here.
        const less = tf.where(tf.equal(n, 0), tf.onesLike(n), tf.sub(n, 1));
        return sumTo(tf.mul(dy, tf.mul(n, tf.pow(a, less))), a.shape);
      },
      b: () => {
        const positive = tf.greater(a, 0);
        const log = tf.log(tf.where(positive, a, tf.onesLike(a)));
        return sumTo(tf.mul(dy, tf.mul(y, log)), b.shape);
      },
    };
  },
};

// tfjs transposes the result for axes other than the last: an error, or wrong for square ones.
const cumsum: tf.GradConfig = {
  kernelName: tf.Cumsum,
  gradFunc: (dy, _, attrs) => {
    const { axis, exclusive, reverse } = attrs as {
      axis: number;
      exclusive: boolean;
      reverse: boolean;
    };
    const d = dy as tf.Tensor;
    return {
      // On webgpu reverse sums over axes of different length share one shader: wrong but for the first.
      x: () =>
        tf.getBackend() === "webgpu" && !reverse
          ? tf.reverse(tf.cumsum(tf.reverse(d, axis), axis, exclusive), axis)
          : tf.cumsum(d, axis, exclusive, !reverse),
    };
  },
};

/** Arithmetic whose shipped gradient fails somewhere. */
export const arithmetic: readonly tf.GradConfig[] = [pow, cumsum];
