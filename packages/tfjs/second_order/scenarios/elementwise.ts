/** @module */
import * as tf from "@tensorflow/tfjs-core";
import { gradientOf, type OpCase } from "./operations.ts";

// Away from 0, which is the kink of most.
const off = (x: number) => x + 0.3 * Math.sign(x);
const positive = (x: number) => 0.5 + Math.abs(x);
const inUnit = (x: number) => 0.7 * Math.tanh(x);
const aboveOne = (x: number) => 1.6 + Math.abs(x);

type Unary = [name: string, domain?: (x: number) => number];
const unary: Unary[] = [
  ["abs", off],
  ["acos", inUnit],
  ["acosh", aboveOne],
  ["asin", inUnit],
  ["asinh"],
  ["atan"],
  ["atanh", inUnit],
  ["cos"],
  ["cosh"],
  ["elu", off],
  ["erf"],
  ["exp"],
  ["expm1"],
  ["log", positive],
  ["log1p", positive],
  ["neg"],
  ["reciprocal", positive],
  ["relu", off],
  ["relu6", off],
  ["rsqrt", positive],
  ["selu", off],
  ["sigmoid"],
  ["sin"],
  ["sinh"],
  ["softplus"],
  ["sqrt", positive],
  ["square"],
  ["tan", inUnit],
  ["tanh"],
];
const named = tf as unknown as Record<string, (x: tf.Tensor) => tf.Tensor>;

const elementwise: OpCase[] = [
  ...unary.map(([name, domain]): OpCase => ({
    name,
    shape: [2, 3],
    f: (x) => named[name]!(x),
    ...(domain ? { domain } : {}),
    rough: /^(a?cos|sin|tan)$/.test(name),
  })),
  // x + c(x) where c is constant between jumps, away from them
  ...["ceil", "floor", "round", "sign", "step", "zerosLike", "onesLike"].map((name): OpCase => ({
    name,
    shape: [2, 3],
    f: (x) => tf.add(named[name]!(x), tf.square(x)),
    domain: (v) => Math.floor(v) + 0.2 + 0.1 * Math.sin(v),
  })),
  { name: "leakyRelu", shape: [2, 3], f: (x) => tf.leakyRelu(x, 0.1), domain: off },
  { name: "clipByValue", shape: [2, 3], f: (x) => tf.clipByValue(x, -1, 1), domain: inUnit },
  {
    name: "cast of a comparison",
    corrected: true,
    shape: [2, 3],
    f: (x) =>
      tf.mul(tf.square(x), tf.cast(tf.logicalOr(tf.less(x, -9), tf.greater(x, -8)), "float32")),
  },
  {
    name: "logic",
    corrected: true,
    shape: [2, 3],
    f: (x) => {
      const both = tf.logicalAnd(tf.lessEqual(x, 9), tf.logicalNot(tf.equal(x, -9)));
      const either = tf.logicalOr(both, tf.logicalAnd(tf.notEqual(x, 8), tf.greaterEqual(x, 9)));
      return tf.where(either, tf.square(x), tf.exp(x));
    },
  },
  {
    name: "selu beyond the range of exp",
    shape: [3],
    f: (x) => tf.mul(0.01, tf.selu(tf.mul(x, 100))),
    domain: (x) => 1.2 + Math.abs(x),
  },
  { name: "softmax", shape: [3, 4], f: (x) => tf.softmax(x) },
  { name: "logSoftmax", shape: [3, 4], f: (x) => tf.logSoftmax(x) },
  { name: "logSumExp", shape: [3, 4], f: (x) => tf.logSumExp(x, -1) },
];

/** Operations of this group. */
export const elementwiseCases: readonly OpCase[] = [
  ...elementwise,
  ...elementwise.filter(({ name }) => /^(elu|selu|tanh|softplus|leakyRelu)$/.test(name)).map(
    gradientOf,
  ),
];
