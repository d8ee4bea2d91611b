import assert from "node:assert/strict";
import { DataType } from "../model/data_type.ts";
import { loadGraph } from "../graph/load_graph.ts";
import {
  type GradientCase,
  makeModel,
  makeNode,
  normal,
  testGradients,
  type Value,
  withOpset,
} from "../_testing.ts";
import { gradientOf } from "./_testing.ts";
import { ruleFor } from "./mod.ts";

const many = (
  opType: string,
  shapes: number[][],
  more: Partial<GradientCase> = {},
): GradientCase => ({
  name: `${opType} of ${shapes.map((s) => `[${s}]`).join(" ")}`,
  nodes: [makeNode(opType, shapes.map((_, k) => `x${k}`), ["y"])],
  inputs: Object.fromEntries(shapes.map((s, k) => [`x${k}`, normal(k + 1, s)])),
  ...more,
});

const mask = (dims: number[]): Value => ({
  dims,
  data: Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, k) => k % 3 === 0 ? 1 : 0),
  type: DataType.BOOL,
});

const choice = (c: number[], x: number[], z: number[], more: Partial<GradientCase> = {}) => ({
  name: `Where of [${c}] [${x}] [${z}]`,
  nodes: [makeNode("Where", ["c", "x", "z"], ["y"])],
  inputs: { c: mask(c), x: normal(1, x), z: normal(2, z) },
  ...more,
});

// Mean has no double kernel. It is linear: the step of the differences may be large.
const linear: Partial<GradientCase> = { precision: "float", step: 0.5, tolerance: 1e-5 };

const cases: readonly GradientCase[] = [
  ...[{ opType: "Sum", more: {} }, { opType: "Mean", more: linear }].flatMap((
    { opType, more },
  ) => [
    many(opType, [[2, 3]], more),
    many(opType, [[2, 3], [2, 3]], more),
    many(opType, [[2, 3], [3], [2, 1], []], more),
    many(opType, [[2, 1], [1, 3]], { ...more, opset: 8 }),
    many(opType, [[2, 3], [2, 1]], { ...more, symbols: { x0: ["N", "M"], x1: ["K", "L"] } }),
    {
      name: `${opType} of one value twice`,
      nodes: [makeNode(opType, ["x0", "x0", "x1"], ["y"])],
      inputs: { x0: normal(1, [2, 3]), x1: normal(2, [3]) },
      ...more,
    },
  ]),
  choice([2, 3], [2, 3], [2, 3]),
  choice([3], [2, 1], [2, 3], { opset: 9 }),
  choice([2, 3], [], [3]),
  choice([4, 1, 1], [2, 3], [1]),
  choice([2, 3], [2, 3], [2, 1], {
    symbols: { c: ["N", "M"], x: ["N", "M"], z: ["K", "L"] },
  }),
];

testGradients(
  "Joined and chosen values have the gradients of central differences",
  cases.map(withOpset),
);

Deno.test("Where keeps an infinite cotangent on the side that was chosen", async () => {
  const c: Value = { dims: [2], data: [1, 0], type: DataType.BOOL };
  const inputs = { c, x: { dims: [2], data: [4, 5] }, z: { dims: [2], data: [7, 0] } };
  const nodes = [makeNode("Where", ["c", "x", "z"], ["w"]), makeNode("Sqrt", ["w"], ["y"])];
  // A product with the mask would give x the gradient 0 · ∞ = NaN where √0 was chosen from z.
  const actual = await gradientOf(nodes, inputs, { wanted: ["x", "z"] });
  assert.deepEqual(actual, { x: [0.25, 0], z: [0, Infinity] });
});

testGradients(
  "Casts between float types cast the gradient back",
  (["Cast", "CastLike"] as const).map((name) => ({
    name,
    nodes: [
      name === "CastLike"
        ? makeNode("CastLike", ["x", "single"], ["s"])
        : makeNode("Cast", ["x"], ["s"], { to: DataType.FLOAT }),
      makeNode("Mul", ["s", "s"], ["square"]),
      makeNode("Cast", ["square"], ["y"], { to: DataType.DOUBLE }),
    ],
    inputs: { x: normal(1, [2, 3]) },
    initializers: { single: { dims: [1], data: [1], type: DataType.FLOAT } },
    // Through float32 the differences carry float32's rounding.
    step: 0.125,
    tolerance: 1e-5,
  })),
);

Deno.test("A cast to integers ends the gradient only where that is asked for", async () => {
  const x = { dims: [2], data: [1.5, -2.5] };
  const nodes = [
    makeNode("Cast", ["x"], ["i"], { to: DataType.INT64 }),
    makeNode("Cast", ["i"], ["whole"], { to: DataType.DOUBLE }),
    makeNode("Sub", ["x", "whole"], ["y"]),
  ];
  await assert.rejects(gradientOf(nodes, { x }), /leads through integers/);
  assert.deepEqual(await gradientOf(nodes, { x }, { stopped: ["i"] }), { x: [1, 1] });
});

Deno.test("A Cast without a type is refused by name", () => {
  const model = makeModel({
    nodes: [makeNode("Cast", ["x"], ["y"])],
    inputs: { x: normal(1, [2]) },
    outputs: ["y"],
  });
  assert.throws(() => loadGraph(model, ruleFor), /Cannot read Cast "Cast of y": .*"to"/);
});
