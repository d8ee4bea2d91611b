import assert from "node:assert/strict";
import { DataType } from "../model/data_type.ts";
import {
  compare,
  type GradientCase,
  makeNode,
  normal,
  testGradients,
  withOpset,
} from "../_testing.ts";
import { derivativesOf, gradientOf } from "./_testing.ts";

const away = (x: number) => x + Math.sign(x) * 0.5;
const positive = (x: number) => Math.abs(x) + 0.5;

const one = (
  opType: string,
  map: (x: number) => number,
  more: Partial<GradientCase> = {},
): GradientCase => ({
  name: opType,
  nodes: [makeNode(opType, ["x"], ["y"])],
  inputs: { x: normal(1, [3, 4], map) },
  ...more,
});

const remainder = (a: number[], c: number[], more: Partial<GradientCase> = {}): GradientCase => ({
  name: `Mod of [${a}] and [${c}]`,
  nodes: [makeNode("Mod", ["a", "c"], ["y"], { fmod: 1 })],
  // Quotients stay between 2.1 and 2.9.
  inputs: {
    a: normal(1, a, (x) => Math.sign(x) * (2.5 + 0.2 * Math.tanh(x))),
    c: normal(2, c, (x) => 1 + 0.05 * Math.tanh(x)),
  },
  ...more,
});

const cases: readonly GradientCase[] = [
  ...[7, 18].flatMap((opset) => [
    one("Neg", away, { opset }),
    one("Abs", away, { opset }),
    one("Sqrt", positive, { opset }),
    one("Exp", away, { opset }),
    one("Log", positive, { opset }),
    one("Reciprocal", away, { opset }),
  ]),
  one("Exp", away, { symbols: { x: ["N", "M"] } }),
  one("Log", positive, { inputs: { x: normal(1, [], positive) } }),
  // No double kernel: see also the comparison with the formula below.
  one("Erf", away, { precision: "float" }),
  one("Erf", away, { precision: "float", opset: 9 }),
  remainder([2, 3], [2, 3]),
  remainder([2, 3], [3]),
  remainder([2, 1], [2, 3], { opset: 10 }),
];

testGradients(
  "Functions of one number have the gradients of central differences",
  cases.map(withOpset),
);

Deno.test("Erf has the derivatives of its formula", async () => {
  const x = { ...normal(1, [20]), type: DataType.FLOAT };
  const found = await derivativesOf(makeNode("Erf", ["x"], ["y"]), x);
  const first = (v: number) => 2 / Math.sqrt(Math.PI) * Math.exp(-v * v);
  compare(found.first, x.data.map(first), 1e-6, "derivative");
  compare(found.second, x.data.map((v) => -2 * v * first(v)), 1e-6, "second derivative");
});

Deno.test("Abs has the derivative 0 at 0", async () => {
  const x = { dims: [3], data: [-2, 0, 2] };
  assert.deepEqual(await gradientOf([makeNode("Abs", ["x"], ["y"])], { x }), { x: [-1, 0, 1] });
});

Deno.test("Mod of negative numbers counts whole steps towards zero", async () => {
  const a = { dims: [2], data: [-3.5, 0.3] };
  const c = { dims: [2], data: [1, 0.1] };
  const actual = await gradientOf([makeNode("Mod", ["a", "c"], ["y"], { fmod: 1 })], { a, c });
  // .3 / .1 is below 3 in double: the remainder is .0999…, two steps
  assert.deepEqual(actual, { a: [1, 1], c: [3, -2] });
});

Deno.test("Steps give their input no gradient", async (t) => {
  for (const opType of ["Sign", "Floor", "Ceil", "Round"]) {
    await t.step(opType, async () => {
      const x = { dims: [2], data: [0.25, -1.5] };
      const nodes = [makeNode(opType, ["x"], ["s"]), makeNode("Add", ["x", "s"], ["y"])];
      assert.deepEqual(await gradientOf(nodes, { x }), { x: [1, 1] });
    });
  }
});
