/** @module */
import * as tf from "@tensorflow/tfjs-core";
import { runKernel } from "./_tensors.ts";

// EluGrad is dy (y < 0 ? y + 1 : 1).
const eluGrad: tf.GradConfig = {
  kernelName: tf.EluGrad,
  inputsToSave: ["dy", "y"],
  gradFunc: (dd, saved) => {
    const ddx = dd as tf.Tensor, [dy, y] = saved as [tf.Tensor, tf.Tensor];
    return {
      dy: () => runKernel(tf.EluGrad, { dy: ddx, y }),
      y: () => tf.mul(tf.mul(ddx, dy), tf.cast(tf.less(y, 0), "float32")),
    };
  },
};

// From Klambauer et al., "Self-normalizing neural networks" (2017).
const scale = 1.0507009873554804934, scaleAlpha = 1.7580993408473768624;

const selu: tf.GradConfig = {
  kernelName: tf.Selu,
  inputsToSave: ["x"],
  gradFunc: (d, saved) => {
    const dy = d as tf.Tensor, x = saved[0]!;
    return {
      x: () => {
        // tfjs takes exp(x) on the unused side too, where 0 · ∞ makes the next derivative NaN.
        const negative = tf.mul(tf.mul(dy, scaleAlpha), tf.exp(tf.minimum(x, 0)));
        return tf.where(tf.greater(x, 0), tf.mul(dy, scale), negative);
      },
    };
  },
};

/** Activations; the others need only that their saved output stays on the tape. */
export const activations: readonly tf.GradConfig[] = [eluGrad, selu];
