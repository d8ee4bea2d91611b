/** @module */
import * as tf from "@tensorflow/tfjs-core";
import { gradientOf, halves, type OpCase } from "./operations.ts";

const off = (x: number) => x + 0.3 * Math.sign(x);
const positive = (x: number) => 0.5 + Math.abs(x);
const binary = (
  name: string,
  f: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor,
  domain?: (x: number) => number,
  broadcast = true,
): OpCase => ({
  name,
  shape: [2, 2, 3],
  f: (x) => {
    const [a, b] = halves(x);
    return f(a, broadcast ? tf.slice(b, [0, 0], [1, 3]) : b);
  },
  ...(domain ? { domain } : {}),
});

const arithmetic: OpCase[] = [
  binary("add", tf.add),
  binary("sub", tf.sub),
  binary("mul", tf.mul),
  binary("div", tf.div, positive),
  binary("maximum", tf.maximum, undefined, false),
  binary("minimum", tf.minimum, undefined, false),
  binary("squaredDifference", tf.squaredDifference, undefined, false),
  binary("pow", tf.pow, positive),
  binary("atan2", tf.atan2, positive),
  binary("mod", (a, b) => tf.mod(tf.square(a), tf.add(tf.abs(b), 100))),
  binary("prelu", (a, b) => tf.prelu(a, tf.reshape(b, [3])), off),
  { name: "addN", shape: [2, 2, 3], f: (x) => tf.addN([...halves(x), tf.tanh(halves(x)[0])]) },
  { name: "pow 1", shape: [3], f: (x) => tf.pow(x, 1), domain: () => 0 },
  { name: "pow 2 of negative", shape: [3], f: (x) => tf.pow(x, 2) },
  {
    name: "where",
    corrected: true,
    shape: [2, 2, 3],
    f: (x) => tf.where(tf.greater(...halves(x)), ...halves(x)),
  },
];

/** Operations of this group. */
export const arithmeticCases: readonly OpCase[] = [
  ...arithmetic,
  ...arithmetic.filter(({ name }) => name === "pow").map(gradientOf),
];
