import {
  type GradientCase,
  makeModel,
  makeNode,
  normal,
  testGradients,
  type Value,
} from "../_testing.ts";
import type { Builder } from "../graph/builder.ts";
import { loadGraph } from "../graph/load_graph.ts";
import { DataType } from "../model/data_type.ts";
import { makeTensor } from "../model/tensor.ts";
import { ruleFor } from "./mod.ts";
import assert from "node:assert/strict";

const ints = (...data: number[]): Value => ({ dims: [data.length], data, type: 7 });
const int = (value: number): Value => ({ dims: [], data: [value], type: 7 });
const of = (value: number): Value => ({ dims: [], data: [value] });

const cases: readonly GradientCase[] = [
  {
    name: "Range by its start and step",
    nodes: [
      makeNode("Range", ["start", "limit", "delta"], ["z"]),
      makeNode("Mul", ["z", "z"], ["y"]),
    ],
    // The differences of the test stay within the same number of steps.
    inputs: { start: of(0.3), limit: of(2.5), delta: of(0.5) },
    fixed: ["limit"],
  },
  {
    name: "Range of opset 11",
    nodes: [
      makeNode("Range", ["start", "limit", "delta"], ["z"]),
      makeNode("Mul", ["z", "z"], ["y"]),
    ],
    inputs: { start: of(2.3), limit: of(-1), delta: of(-0.5) },
    fixed: ["limit"],
    opset: 11,
  },
  {
    name: "Values made from shapes: ConstantOfShape, Size, EyeLike, NonZero",
    nodes: [
      makeNode("Shape", ["x"], ["shape"]),
      makeNode("ConstantOfShape", ["shape"], ["ones"], {
        value: makeTensor("", DataType.DOUBLE, [1], new Float64Array([1])),
      }),
      makeNode("EyeLike", ["x"], ["eye"]),
      makeNode("Add", ["x", "ones"], ["shifted"]),
      makeNode("Mul", ["shifted", "eye"], ["diagonal"]),
      makeNode("Size", ["x"], ["size"]),
      makeNode("Cast", ["size"], ["count"], { to: DataType.DOUBLE }),
      makeNode("Mul", ["diagonal", "count"], ["scaled"]),
      // NonZero has no double kernel.
      makeNode("Cast", ["eye"], ["marks"], { to: DataType.BOOL }),
      makeNode("NonZero", ["marks"], ["places"]),
      makeNode("Transpose", ["places"], ["rows"]),
      makeNode("GatherND", ["scaled", "rows"], ["z"]),
      makeNode("Mul", ["z", "z"], ["y"]),
    ],
    inputs: { x: normal(1, [3, 3]) },
  },
];

testGradients(
  "Values from shapes and counts have the gradients that central differences give",
  cases,
);

const load = (nodes: GradientCase["nodes"], initializers: Record<string, Value>): Builder =>
  loadGraph(
    makeModel({
      nodes,
      inputs: { x: normal(1, [2, 6, 8]) },
      initializers,
      symbols: { x: ["N", "T", 8] },
      outputs: [],
    }),
    ruleFor,
  ).b;

Deno.test("Shape arithmetic keeps symbols, as exporters write it", () => {
  const b = load([
    makeNode("Shape", ["x"], ["shape"]),
    makeNode("Gather", ["shape", "i0"], ["n"]),
    makeNode("Gather", ["shape", "i1"], ["t"]),
    makeNode("Unsqueeze", ["n", "axes"], ["n1"]),
    makeNode("Unsqueeze", ["t", "axes"], ["t1"]),
    makeNode("Concat", ["n1", "t1", "heads", "rest"], ["target"], { axis: 0 }),
    makeNode("Reshape", ["x", "target"], ["split"]),
    makeNode("Transpose", ["split"], ["moved"], { perm: [0, 2, 1, 3] }),
    makeNode("Slice", ["shape", "axes", "two"], ["leading"]),
    makeNode("Concat", ["leading", "rest"], ["flat"], { axis: 0 }),
    makeNode("Reshape", ["moved", "flat"], ["joined"]),
    makeNode("Squeeze", ["t1"], ["again"]),
    makeNode("Range", ["i0", "again", "i1"], ["positions"]),
    makeNode("ConstantOfShape", ["leading"], ["mask"]),
    makeNode("Tile", ["two", "two"], ["pair"]),
    makeNode("Size", ["two"], ["one"]),
    makeNode("Range", ["i0", "i3", "i1"], ["three"]),
  ], {
    i0: int(0),
    i1: int(1),
    i3: int(3),
    axes: ints(0),
    two: ints(2),
    heads: ints(2),
    rest: ints(-1),
  });
  assert.deepEqual(b.known("target"), ["N", "T", 2, -1]);
  assert.deepEqual(b.dims("split"), ["N", "T", 2, 4]);
  assert.deepEqual(b.dims("joined"), ["N", "T", 8]);
  assert.deepEqual(b.dims("positions"), ["T"]);
  assert.deepEqual(b.dims("mask"), ["N", "T"]);
  assert.deepEqual(b.known("pair"), [2, 2]);
  assert.deepEqual(b.known("one"), [1]);
  assert.deepEqual(b.known("three"), [0, 1, 2]);
});

Deno.test("Shape arithmetic does not take a matrix for a vector", () => {
  const b = load([
    makeNode("Unsqueeze", ["pair", "axes"], ["row"]),
    makeNode("Gather", ["pair", "indices"], ["taken"]),
    makeNode("Reshape", ["pair", "column"], ["tall"]),
  ], {
    pair: ints(3, 4),
    axes: ints(0),
    indices: { dims: [1, 2], data: [1, 0], type: 7 },
    column: ints(2, 1),
  });
  for (const name of ["row", "taken", "tall"]) assert.equal(b.known(name), undefined, name);
});

Deno.test("Shape arithmetic refuses an index that is out of range", () => {
  assert.throws(
    () => load([makeNode("Gather", ["pair", "i"], ["y"])], { pair: ints(3, 4), i: int(2) }),
    /Cannot read Gather "Gather of y": index 2 of 2 elements/,
  );
});
