/** @module */
import * as tf from "@tensorflow/tfjs-core";
import { halves, lacking, type OpCase } from "./operations.ts";

const shapes: OpCase[] = [
  { name: "reshape", shape: [2, 6], f: (x) => tf.reshape(x, [3, 4]) },
  { name: "expandDims", shape: [2, 3], f: (x) => tf.expandDims(x, 1) },
  { name: "transpose", shape: [2, 3, 4], f: (x) => tf.transpose(x, [2, 0, 1]) },
  { name: "concat", shape: [2, 3], f: (x) => tf.concat([x, tf.tanh(x)], 1) },
  { name: "split", shape: [2, 4, 3], f: (x) => tf.mul(...halves(x)) },
  { name: "stack", shape: [2, 3], f: (x) => tf.stack([x, tf.tanh(x)], 1) },
  {
    name: "unstack",
    shape: [2, 3],
    f: (x) => tf.unstack(x, 1).reduce((a, b) => tf.add(tf.mul(a, 0.5), tf.tanh(b))),
  },
  { name: "slice", shape: [3, 4], f: (x) => tf.slice(x, [1, 0], [2, 3]) },
  { name: "pad", shape: [2, 3], f: (x) => tf.pad(x, [[1, 0], [2, 1]]) },
  { name: "tile", shape: [2, 3], f: (x) => tf.tile(x, [2, 3]) },
  { name: "broadcastTo", shape: [2, 1], f: (x) => tf.broadcastTo(x, [2, 3]) },
  { name: "reverse", shape: [2, 3], f: (x) => tf.reverse(x, 1) },
  { name: "clone", shape: [2, 3], f: (x) => tf.clone(x) },
  {
    name: "batchToSpaceND",
    shape: [4, 2, 2, 1],
    f: (x) => tf.batchToSpaceND(x, [2, 2], [[0, 0], [0, 1]]),
  },
  {
    name: "spaceToBatchND",
    shape: [1, 4, 4, 1],
    f: (x) => tf.spaceToBatchND(x, [2, 2], [[0, 0], [0, 0]]),
  },
  {
    name: "gather",
    shape: [4, 3],
    f: (x) => tf.gather(x, tf.tensor1d([2, 0, 2], "int32")),
    wasm: lacking,
  },
  {
    name: "gather, axis 1",
    shape: [2, 4],
    f: (x) => tf.gather(x, tf.tensor2d([[3, 0], [3, 1]], [2, 2], "int32"), 1),
    wasm: lacking,
  },
  {
    name: "unsortedSegmentSum",
    shape: [4, 2],
    f: (x) => tf.unsortedSegmentSum(x, tf.tensor1d([1, 0, 1, 2], "int32"), 3),
    wasm: "skip",
  },
];

/** Operations of this group. */
export const shapesCases: readonly OpCase[] = shapes;
