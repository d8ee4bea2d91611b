import assert from "node:assert/strict";
import { differentiate } from "../differentiate/differentiate.ts";
import { loadGraph } from "../graph/load_graph.ts";
import { DataType } from "../model/data_type.ts";
import { type GradientCase, makeModel, makeNode, normal, testGradients } from "../_testing.ts";
import { ruleFor } from "./mod.ts";

const { INT64 } = DataType;

const prod = (name: string, dims: number[], data?: number[], rest = {}): GradientCase => ({
  name,
  nodes: [makeNode("ReduceProd", ["x", "axes"], ["y"], { keepdims: 0 })],
  inputs: { x: data === undefined ? normal(1, dims) : { dims, data } },
  initializers: { axes: { dims: [1], data: [1], type: INT64 } },
  ...rest,
});

const cumSum = (name: string, attributes: Record<string, number>, axis = 1): GradientCase => ({
  name: `CumSum ${name}`,
  nodes: [makeNode("CumSum", ["x", "axis"], ["y"], attributes)],
  inputs: { x: normal(1, [2, 4, 3]) },
  initializers: { axis: { dims: [], data: [axis], type: INT64 } },
});

const zeros = [2, 0, 3, 5, 0, 7, 0, 2, 1, 2, 3, 4];

const cases: readonly GradientCase[] = [
  ...[1, 2, 3, 5, 8].map((n) => prod(`ReduceProd of ${n} factors`, [2, n])),
  // Rows with one zero and with two: the product of the others, and none at all.
  prod("ReduceProd with zeros", [3, 4], zeros),
  prod("ReduceProd with zeros and unknown sizes", [3, 4], zeros, { symbols: { x: ["N", "C"] } }),
  prod("ReduceProd of unknown sizes in a middle axis", [2, 3, 2], undefined, {
    symbols: { x: ["N", "T", "C"] },
  }),
  cumSum("along an axis", {}),
  cumSum("without the own element", { exclusive: 1 }, -1),
  cumSum("from the end", { reverse: 1 }, 0),
  cumSum("from the end, without the own element", { reverse: 1, exclusive: 1 }),
  { ...cumSum("of opset 11", {}), opset: 11 },
];

testGradients(
  "Products and sums along axes have the gradients that central differences give",
  cases,
);

Deno.test("ReduceProd multiplies sizes, symbols too", () => {
  const { b } = loadGraph(
    makeModel({
      nodes: [
        makeNode("Shape", ["x"], ["s"]),
        makeNode("ReduceProd", ["s"], ["size"], { keepdims: 0 }),
      ],
      inputs: { x: normal(1, [2, 3, 4]) },
      symbols: { x: ["N", 3, 4] },
      outputs: ["size"],
    }),
    ruleFor,
  );
  assert.deepEqual(b.known("size"), ["12*N"]);
});

Deno.test("ReduceProd refuses axes that only the run knows", () => {
  const model = makeModel({
    nodes: [makeNode("ReduceProd", ["x", "axes"], ["y"], { keepdims: 0 })],
    inputs: { x: normal(1, [3]), axes: { dims: [1], data: [0], type: INT64 } },
    outputs: ["y"],
  });
  assert.throws(
    () => differentiate(model, { output: "y", trainable: ["x"] }),
    /Cannot differentiate ReduceProd "ReduceProd of y": its axes are not known/,
  );
});
