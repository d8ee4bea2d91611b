import assert from "node:assert/strict";
import { DataType } from "../model/data_type.ts";
import { type GradientCase, makeNode, normal, testGradients, type Value } from "../_testing.ts";
import { derivativesOf, gradientOf } from "./_testing.ts";

const positive = (x: number) => Math.abs(x) + 0.5;
const pow = [makeNode("Pow", ["x", "p"], ["y"])];

const variable = (x: number[], p: number[], more: Partial<GradientCase> = {}): GradientCase => ({
  name: `Pow of [${x}] and [${p}]`,
  nodes: pow,
  inputs: { x: normal(1, x, positive), p: normal(2, p) },
  ...more,
});

const constant = (p: number, dims: number[] = [], type?: DataType, opset = 18): GradientCase => ({
  name: `Pow with the constant exponent ${p} of shape [${dims}], type ${type}, opset ${opset}`,
  nodes: pow,
  inputs: { x: normal(1, [2, 3], positive) },
  initializers: { p: { dims, data: [p], ...(type === undefined ? {} : { type }) } },
  opset,
});

const cases: readonly GradientCase[] = [
  variable([2, 3], [2, 3]),
  variable([2, 3], [3]),
  variable([2, 1], [2, 3]),
  variable([], [2, 3]),
  variable([2, 3], [2, 3], { opset: 7 }),
  variable([2, 3], [2, 1], { symbols: { x: ["N", "M"], p: ["K", "L"] } }),
  {
    name: "Pow of negative numbers and whole exponents",
    nodes: pow,
    inputs: { x: { dims: [4], data: [-2, -0.5, 0.5, 2] }, p: { dims: [4], data: [3, 2, -1, 0] } },
    fixed: ["p"],
  },
  {
    name: "Pow with int64 exponents",
    nodes: pow,
    inputs: {
      x: { dims: [4], data: [-2, -0.5, 0.5, 2] },
      p: { dims: [4], data: [3, 2, -1, 0], type: DataType.INT64 },
    },
  },
  ...[0, 1, 2, 3, 0.5, -1, -0.5, 1.7].map((p) => constant(p)),
  constant(2, [1]),
  constant(3, [1, 1, 1]),
  constant(3, [], DataType.INT64),
  constant(3, [], DataType.FLOAT),
  constant(3, [], undefined, 7),
  {
    ...constant(2.5),
    name: "Pow with one exponent for each column",
    initializers: { p: { dims: [3], data: [2, 0, 2.5] } },
  },
];

testGradients("Powers have the gradients that central differences give", cases);

Deno.test("Powers of 0 have finite gradients where the power is flat", async () => {
  const x: Value = { dims: [4], data: [0, 0, 0, 0] };
  const p: Value = { dims: [4], data: [0, 1, 2, 3] };
  assert.deepEqual(await gradientOf(pow, { x, p }), { x: [0, 1, 0, 0], p: [0, 0, 0, 0] });
});

Deno.test("x² has first and second derivatives at 0", async () => {
  const x: Value = { dims: [2], data: [0, -3] };
  const initializers = { p: { dims: [], data: [2] } };
  assert.deepEqual(await derivativesOf(pow[0]!, x, { initializers }), {
    first: [0, -6],
    second: [2, 2],
  });
});
