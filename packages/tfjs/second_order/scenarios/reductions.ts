/** @module */
import * as tf from "@tensorflow/tfjs-core";
import { apart, type OpCase } from "./operations.ts";

const reductions: OpCase[] = [
  { name: "sum", shape: [3, 4], f: (x) => tf.sum(x, 0) },
  { name: "mean", shape: [3, 4], f: (x) => tf.mean(x, 1) },
  { name: "max", shape: [3, 4], f: (x) => tf.max(x, 1), domain: apart },
  { name: "min", shape: [3, 4], f: (x) => tf.min(x, 0), domain: apart },
  { name: "moments", shape: [3, 4], f: (x) => tf.moments(x, 0).variance },
  { name: "cumsum", shape: [3, 4], f: (x) => tf.cumsum(x, 1) },
  { name: "cumsum, axis 0", shape: [3, 3], corrected: true, f: (x) => tf.cumsum(x, 0, true) },
  {
    name: "cumsum, axis 0, reverse",
    shape: [3, 3],
    corrected: true,
    f: (x) => tf.cumsum(x, 0, true, true),
    webgpu: /through Cumsum: the webgpu backend mixes up reverse sums/,
  },
  {
    name: "argMax and oneHot",
    shape: [3, 4],
    f: (x) => tf.mul(tf.square(x), tf.oneHot(tf.argMax(x, 1), 4)),
  },
];

const statistics: OpCase[] = [
  ...[[3, 2], [2, 3, 2, 2]].map((shape): OpCase => ({
    name: `batchNorm, rank ${shape.length}`,
    shape: [tf.util.sizeFromShape(shape) + 4],
    f: (v) => {
      const n = tf.util.sizeFromShape(shape);
      const x = tf.reshape(tf.slice(v, 0, n), shape);
      const { mean, variance } = tf.moments(x, shape.map((_, i) => i).slice(0, -1));
      return tf.batchNorm(
        x,
        mean as tf.Tensor1D,
        variance as tf.Tensor1D,
        tf.slice(v, n, 2) as tf.Tensor1D,
        tf.slice(v, n + 2, 2) as tf.Tensor1D,
        0.1,
      );
    },
  })),
];

/** Operations of this group. */
export const reductionsCases: readonly OpCase[] = [...reductions, ...statistics];
