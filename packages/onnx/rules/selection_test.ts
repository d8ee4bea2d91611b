import { type GradientCase, makeNode, normal, testGradients, type Value } from "../_testing.ts";
import type { AttributeValue } from "../model/attributes.ts";

const ints = (...data: number[]): Value => ({ dims: [data.length], data, type: 7 });
/** Values a step of 0.5 apart in any order: no difference of a test changes their order. */
const apart = (dims: readonly number[]): Value => {
  const { data } = normal(1, dims);
  const sorted = [...data].sort((a, b) => a - b);
  return { dims, data: data.map((x) => sorted.indexOf(x) / 2 - 2) };
};

const topK = (
  name: string,
  attributes: Record<string, AttributeValue>,
  more: Partial<GradientCase> = {},
): GradientCase => ({
  name: `TopK ${name}`,
  nodes: [
    makeNode("TopK", ["x", "k"], ["z", "places"], attributes),
    makeNode("Mul", ["z", "z"], ["y"]),
  ],
  inputs: { x: apart([3, 4]) },
  initializers: { k: ints(2) },
  ...more,
});

const compress = (name: string, attributes: Record<string, AttributeValue>, ...kept: number[]) => ({
  name: `Compress ${name}`,
  nodes: [
    makeNode("Compress", ["x", "kept"], ["z"], attributes),
    makeNode("Mul", ["z", "z"], ["y"]),
  ],
  inputs: { x: normal(1, [3, 4]), kept: { ...ints(...kept), type: 9 } },
});

const cases: readonly GradientCase[] = [
  topK("of the last axis", {}),
  topK("of the first axis", { axis: 0 }),
  topK("of the smallest", { largest: 0, axis: 1 }),
  topK("unsorted", { sorted: 0 }),
  topK("of unknown sizes", {}, { symbols: { x: ["N", "D"] } }),
  topK("with a fed k", {}, {
    inputs: { x: apart([3, 4]), k: ints(3) },
    initializers: {},
    symbols: { x: ["N", "D"] },
  }),
  topK("of opset 11", {}, { opset: 11 }),
  topK("of opset 10", {}, { opset: 10 }),
  {
    ...topK("of opset 9, whose k is an attribute", {}),
    nodes: [
      makeNode("TopK", ["x"], ["z", "places"], { k: 2, axis: 0 }),
      makeNode("Mul", ["z", "z"], ["y"]),
    ],
    initializers: {},
    opset: 9,
  },
  {
    // onnxruntime-node has OneHot for float values only; it is linear, so a step of 1/2 is exact.
    name: "OneHot by its values",
    nodes: [
      makeNode("OneHot", ["i", "depth", "values"], ["z"], { axis: 1 }),
      makeNode("Mul", ["z", "z"], ["y"]),
    ],
    inputs: {
      values: { ...normal(1, [2]), type: 1 },
      i: { dims: [2, 3], data: [0, 3, -1, 2, 2, 9], type: 7 },
    },
    initializers: { depth: { dims: [], data: [4], type: 7 } },
    precision: "float",
    step: 0.5,
    tolerance: 2e-6,
  },
  {
    name: "ArgMax and ArgMin, of which nothing depends differentiably",
    nodes: [
      makeNode("ArgMax", ["x"], ["largest"], { axis: 1, keepdims: 1 }),
      makeNode("ArgMin", ["x"], ["smallest"], { axis: 1, keepdims: 1 }),
      makeNode("GatherElements", ["x", "largest"], ["most"], { axis: 1 }),
      makeNode("GatherElements", ["x", "smallest"], ["least"], { axis: 1 }),
      makeNode("Mul", ["most", "least"], ["y"]),
    ],
    inputs: { x: apart([3, 4]) },
  },
  {
    name: "ArgMax without its axis",
    nodes: [
      makeNode("ArgMax", ["x"], ["largest"], { keepdims: 0, axis: 0 }),
      makeNode("Unsqueeze", ["largest", "axes"], ["row"]),
      makeNode("GatherElements", ["x", "row"], ["z"], { axis: 0 }),
      makeNode("Mul", ["z", "z"], ["y"]),
    ],
    inputs: { x: apart([3, 4]) },
    initializers: { axes: ints(0) },
  },
  compress("of rows", { axis: 0 }, 1, 0, 1),
  compress("of columns with a short condition", { axis: -1 }, 0, 1, 1),
  compress("of elements", {}, 0, 1, 1, 0, 0, 1),
];

testGradients("Selections have the gradients that central differences give", cases);
