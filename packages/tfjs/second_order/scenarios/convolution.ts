/** @module */
import * as tf from "@tensorflow/tfjs-core";
import { broken, gradientOf, halves, lacking, type OpCase } from "./operations.ts";

const products: OpCase[] = [
  ...[[false, false], [false, true], [true, false], [true, true]].map(([a, b]): OpCase => ({
    name: `matMul ${a ? "aᵀ" : "a"}${b ? "bᵀ" : "b"}`,
    shape: [2, 2, 3, 3],
    f: (x) => tf.matMul(...halves(x), a, b),
  })),
  {
    name: "fused matMul",
    shape: [5, 3],
    f: (x) =>
      tf.fused.matMul({
        a: tf.slice(x, [0, 0], [2, 3]),
        b: tf.slice(x, [2, 0], [3, 3]),
        // The wasm backend demands that the bias is no reshaped tensor.
        bias: tf.sum(tf.slice(x, [0, 0], [2, 3]), 0),
      }),
  },
  {
    name: "fused matMul, sigmoid",
    shape: [5, 3],
    f: (x) =>
      tf.fused.matMul({
        a: tf.slice(x, [0, 0], [2, 3]),
        b: tf.slice(x, [2, 0], [3, 3]),
        activation: "sigmoid",
      }),
  },
];

/** Image and filter from one variable, so that mixed derivatives count. */
function image(
  x: tf.Tensor,
  image: number[],
  filter: number[],
): [tf.Tensor, tf.Tensor] {
  const [m, n] = [tf.util.sizeFromShape(image), tf.util.sizeFromShape(filter)];
  return [tf.reshape(tf.slice(x, 0, m), image), tf.reshape(tf.slice(x, m, n), filter)];
}
function convolution(
  name: string,
  shapes: [number[], number[]],
  f: (x: tf.Tensor, w: tf.Tensor) => tf.Tensor,
  wasm: RegExp | "skip" = lacking,
): OpCase {
  const size = shapes.map(tf.util.sizeFromShape).reduce((a, b) => a + b);
  return { name, shape: [size], f: (x) => f(...image(x, ...shapes)), wasm };
}
type Image = tf.Tensor4D;
const small: [number[], number[]] = [[2, 5, 4, 2], [3, 2, 2, 3]];
const convolutions: OpCase[] = [
  ...(["valid", "same"] as const).flatMap((pad) =>
    [1, 2].map((stride) =>
      convolution(
        `conv2d ${pad}, stride ${stride}`,
        small,
        (x, w) => tf.conv2d(x as Image, w as Image, stride, pad),
      )
    )
  ),
  convolution("conv2d, pad 1", small, (x, w) => tf.conv2d(x as Image, w as Image, 1, 1), "skip"),
  convolution(
    "conv2d, NCHW",
    [[1, 2, 4, 4], [2, 2, 2, 2]],
    (x, w) => tf.conv2d(x as Image, w as Image, 1, "valid", "NCHW"),
    "skip",
  ),
  convolution(
    "conv2dTranspose",
    [[1, 3, 3, 2], [2, 2, 3, 2]],
    (x, w) => tf.conv2dTranspose(x as Image, w as Image, [1, 6, 6, 3], 2, "same"),
  ),
  convolution(
    "fused conv2d",
    small,
    (x, w) =>
      tf.fused.conv2d({
        x: x as Image,
        filter: w as Image,
        strides: 1,
        pad: "same",
        bias: tf.slice(tf.reshape(w, [-1]), 0, 3),
      }),
  ),
  ...(["valid", "same"] as const).flatMap((pad) =>
    [1, 2].map((stride) =>
      convolution(
        `depthwiseConv2d ${pad}, stride ${stride}`,
        [[1, 4, 5, 2], [2, 3, 2, 2]],
        (x, w) => tf.depthwiseConv2d(x as Image, w as Image, stride, pad),
      )
    )
  ),
  convolution(
    "fused depthwiseConv2d",
    [[1, 4, 4, 2], [2, 2, 2, 1]],
    (x, w) =>
      tf.fused.depthwiseConv2d({
        x: x as Image,
        filter: w as Image,
        strides: 1,
        pad: "same",
        bias: tf.slice(tf.reshape(w, [-1]), 0, 2),
      }),
  ),
  convolution(
    "separableConv2d",
    [[1, 4, 4, 2], [2, 2, 2, 2]],
    (x, w) =>
      tf.separableConv2d(
        x as Image,
        w as Image,
        tf.reshape(tf.slice(tf.reshape(x, [-1]), 0, 12), [1, 1, 4, 3]),
        1,
        "same",
      ),
  ),
  ...(["valid", "same"] as const).map((pad) =>
    convolution(
      `conv3d ${pad}`,
      [[1, 3, 3, 4, 1], [2, 2, 2, 1, 2]],
      (x, w) => tf.conv3d(x as tf.Tensor5D, w as tf.Tensor5D, 1, pad),
      broken,
    )
  ),
  convolution(
    "conv1d",
    [[2, 6, 2], [3, 2, 2]],
    (x, w) => tf.conv1d(x as tf.Tensor3D, w as tf.Tensor3D, 1, "same"),
  ),
];

/** Operations of this group. */
export const convolutionCases: readonly OpCase[] = [
  ...products,
  ...convolutions,
  ...convolutions.map(gradientOf),
];
