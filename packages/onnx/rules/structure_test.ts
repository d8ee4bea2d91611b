import { type GradientCase, makeModel, makeNode, normal, testGradients } from "../_testing.ts";
import { loadGraph } from "../graph/load_graph.ts";
import type { AttributeValue } from "../model/attributes.ts";
import { ruleFor } from "./mod.ts";
import assert from "node:assert/strict";

const ints = (...data: number[]) => ({ dims: [data.length], data, type: 7 });

/** Squares of the result: a gradient that is linear in it makes the second order visible. */
const move = (
  opType: string,
  name: string,
  dims: readonly number[],
  attributes: Record<string, AttributeValue> = {},
  more: Partial<GradientCase> = {},
): GradientCase => ({
  name: `${opType} ${name}`,
  nodes: [
    makeNode(opType, ["x", ...Object.keys(more.initializers ?? {})], ["z"], attributes),
    makeNode("Mul", ["z", "z"], ["y"]),
  ],
  inputs: { x: normal(1, dims) },
  ...more,
});

const tile = (name: string, dims: number[], repeats: number[], more: Partial<GradientCase> = {}) =>
  move("Tile", name, dims, {}, { initializers: { repeats: ints(...repeats) }, ...more });

const named = { symbols: { x: ["N", "C", "H", "W"] } };

const cases: readonly GradientCase[] = [
  move("Transpose", "that reverses", [2, 3, 4]),
  move("Transpose", "by perm", [2, 3, 4], { perm: [1, 2, 0] }),
  move("Transpose", "of unknown sizes", [2, 3, 4], { perm: [2, 0, 1] }, {
    symbols: { x: ["A", "B", "C"] },
  }),
  move("Transpose", "of opset 7", [2, 3], {}, { opset: 7 }),
  tile("of a vector", [3], [4]),
  tile("of axes of size one", [1, 3, 1], [2, 1, 4]),
  tile("of a matrix", [2, 3], [3, 2]),
  tile("by ones", [2, 3], [1, 1]),
  tile("of unknown sizes", [2, 3, 2], [1, 2, 3], { symbols: { x: ["A", "B", "C"] } }),
  tile("of opset 7", [2, 3], [3, 2], { opset: 7 }),
  {
    ...tile("by fed repeats", [2, 3], []),
    nodes: [makeNode("Tile", ["x", "repeats"], ["z"]), makeNode("Mul", ["z", "z"], ["y"])],
    inputs: { x: normal(1, [2, 3]), repeats: ints(3, 2) },
    initializers: {},
    symbols: { x: ["A", "B"] },
  },
  move("Trilu", "upper", [2, 3, 4]),
  move("Trilu", "lower", [4, 3], { upper: 0 }),
  move("Trilu", "with a diagonal", [2, 4, 4], { upper: 0 }, {
    initializers: { k: { dims: [], data: [-1], type: 7 } },
  }),
  move("Trilu", "of opset 14", [3, 3], {}, { opset: 14 }),
  move("DepthToSpace", "by columns and rows", [2, 8, 2, 3], { blocksize: 2 }),
  move("DepthToSpace", "in mode DCR", [1, 9, 2, 1], { blocksize: 3, mode: "DCR" }),
  move("DepthToSpace", "in mode CRD", [2, 8, 2, 3], { blocksize: 2, mode: "CRD" }),
  move(
    "DepthToSpace",
    "in mode CRD of unknown sizes",
    [2, 8, 2, 3],
    { blocksize: 2, mode: "CRD" },
    named,
  ),
  move("DepthToSpace", "of unknown sizes", [2, 8, 2, 3], { blocksize: 2 }, named),
  move("DepthToSpace", "of opset 7", [1, 4, 2, 3], { blocksize: 2 }, { opset: 7 }),
  move("SpaceToDepth", "of blocks", [2, 3, 4, 6], { blocksize: 2 }),
  move("SpaceToDepth", "of unknown sizes", [2, 1, 3, 6], { blocksize: 3 }, named),
  move("SpaceToDepth", "of opset 7", [1, 2, 2, 4], { blocksize: 2 }, { opset: 7 }),
];

testGradients("Rearrangements have the gradients that central differences give", cases);

Deno.test("Rearrangements keep symbolic sizes", () => {
  const dimsAfter = (test: GradientCase) => {
    const { nodes, inputs, initializers = {}, symbols = {} } = test;
    const { b } = loadGraph(
      makeModel({ nodes, inputs, initializers, symbols, outputs: ["y"] }),
      ruleFor,
    );
    return b.dims("z");
  };
  const find = (name: string) => dimsAfter(cases.find((c) => c.name === name)!);
  assert.deepEqual(find("Transpose of unknown sizes"), ["C", "A", "B"]);
  assert.deepEqual(find("Tile of unknown sizes"), ["A", "2*B", "3*C"]);
  assert.deepEqual(find("SpaceToDepth of unknown sizes").slice(0, 2), ["N", "9*C"]);
  assert.deepEqual(find("DepthToSpace of unknown sizes").slice(2), ["2*H", "2*W"]);
});

Deno.test("Rearrangements refuse shapes that they do not fit", () => {
  const load = (opType: string, dims: number[], attributes: Record<string, AttributeValue>) => () =>
    loadGraph(
      makeModel({
        nodes: [makeNode(opType, ["x"], ["y"], attributes)],
        inputs: { x: normal(1, dims) },
        outputs: ["y"],
      }),
      ruleFor,
    );
  assert.throws(
    load("Transpose", [2, 3], { perm: [0, 0] }),
    /Cannot read Transpose "Transpose of y": perm \[0,0\] does not order the axes of shape \[2,3\]/,
  );
  assert.throws(
    load("SpaceToDepth", [1, 1, 3, 4], { blocksize: 2 }),
    /Cannot rearrange in SpaceToDepth "SpaceToDepth of y": shape \[1,1,3,4\] does not divide/,
  );
  assert.throws(load("DepthToSpace", [4, 2, 2], { blocksize: 2 }), /expected rank 4/);
});
