import assert from "node:assert/strict";
import { float } from "../model/attributes.ts";
import {
  type GradientCase,
  makeNode,
  normal,
  testGradients,
  type Value,
  withOpset,
} from "../_testing.ts";
import { gradientOf } from "./_testing.ts";

/** Values of different inputs are never closer than .1: thirds, shifted for each input. */
const level = (shift: number) => (x: number) => Math.round(3 * x) / 3 + 0.1 * shift;

const extremum = (
  opType: string,
  shapes: number[][],
  more: Partial<GradientCase> = {},
): GradientCase => ({
  name: `${opType} of ${shapes.map((s) => `[${s}]`).join(" ")}`,
  nodes: [makeNode(opType, shapes.map((_, k) => `x${k}`), ["y"])],
  inputs: Object.fromEntries(shapes.map((s, k) => [`x${k}`, normal(k + 1, s, level(k))])),
  // Twice the step times a normal direction has to stay below .1.
  step: 1e-3,
  ...more,
});

const bounds = { low: { dims: [], data: [-0.75] }, high: { dims: [], data: [0.6] } };
/** Away from −.75 and .6. */
const between: Value = { dims: [2, 3], data: [-2, -1, -0.4, 0.2, 0.9, 1.5] };
const clip = (inputs: string[], more: Partial<GradientCase> = {}): GradientCase => ({
  name: `Clip(${inputs})`,
  nodes: [makeNode("Clip", inputs, ["y"])],
  inputs: { x: between },
  initializers: bounds,
  ...more,
});

const cases: readonly GradientCase[] = [
  ...["Max", "Min"].flatMap((opType) => [
    extremum(opType, [[2, 3]]),
    extremum(opType, [[2, 3], [2, 3]]),
    extremum(opType, [[2, 3], [3]]),
    extremum(opType, [[2, 1], [1, 3]]),
    extremum(opType, [[], [2, 3]], { opset: 8 }),
    extremum(opType, [[2, 3], [2, 1]], { symbols: { x0: ["N", "M"], x1: ["K", "L"] } }),
    extremum(opType, [[2, 3], [3], [2, 1]]),
    extremum(opType, [[3], [2, 3], [], [1, 3]], { opset: 8 }),
  ]),
  clip(["x", "low", "high"]),
  clip(["x", "low", "high"], { symbols: { x: ["N", 3] } }),
  // Opset 11 has a float32 kernel alone. Piecewise linear: a step within .1 of every kink is exact.
  clip(["x", "low", "high"], { opset: 11, precision: "float" }),
  clip(["x", "", "high"]),
  clip(["x", "low"]),
  clip(["x"]),
  clip(["x", "low", "high"], {
    name: "Clip with bounds that are computed",
    inputs: { x: between, ...bounds },
    initializers: {},
  }),
  clip(["x", "low", "high"], {
    name: "Clip with bounds of rank 1",
    inputs: { x: between, low: { ...bounds.low, dims: [1] }, high: { ...bounds.high, dims: [1] } },
    initializers: {},
  }),
  clip(["x", "low", "high"], {
    name: "Clip with crossed bounds",
    inputs: { x: between, low: bounds.high, high: bounds.low },
    initializers: {},
  }),
];

testGradients("Extrema have the gradients that central differences give", cases.map(withOpset));

Deno.test("Clip of opset 6 to 10 has its bounds as attributes", async (t) => {
  // No double kernel before opset 12, but the gradient graph is written for 18: checked by value.
  const node = (attributes: Record<string, ReturnType<typeof float>>) => [
    makeNode("Clip", ["x"], ["y"], attributes),
  ];
  const of = async (attributes: Record<string, ReturnType<typeof float>>) =>
    (await gradientOf(node(attributes), { x: between }, { opset: 7 }))["x"];
  await t.step(
    "both",
    async () =>
      assert.deepEqual(await of({ min: float(-0.75), max: float(0.6) }), [0, 0, 1, 1, 0, 0]),
  );
  await t.step(
    "min",
    async () => assert.deepEqual(await of({ min: float(-0.75) }), [0, 0, 1, 1, 1, 1]),
  );
  await t.step(
    "max",
    async () => assert.deepEqual(await of({ max: float(0.6) }), [1, 1, 1, 1, 0, 0]),
  );
  await t.step("none", async () => assert.deepEqual(await of({}), [1, 1, 1, 1, 1, 1]));
});

Deno.test("Clip counts its bounds as inside", async () => {
  const x: Value = { dims: [4], data: [-0.75, 0.6, -1, 1] };
  const clipped = [makeNode("Clip", ["x", "low", "high"], ["y"])];
  assert.deepEqual(await gradientOf(clipped, { x, ...bounds }), {
    x: [1, 1, 0, 0],
    low: [1],
    high: [1],
  });
});

Deno.test("Ties share the gradient evenly", async (t) => {
  const x: Value = { dims: [3], data: [1, 2, 3] };
  const w: Value = { dims: [3], data: [1, 3, 2] };
  const z: Value = { dims: [3], data: [1, 3, 1] };
  await t.step("two inputs", async () => {
    assert.deepEqual(await gradientOf([makeNode("Max", ["x", "w"], ["y"])], { x, w }), {
      x: [0.5, 0, 1],
      w: [0.5, 1, 0],
    });
  });
  await t.step("three inputs", async () => {
    const third = 1 / 3;
    const nodes = [makeNode("Max", ["x", "w", "z"], ["y"])];
    assert.deepEqual(await gradientOf(nodes, { x, w, z }), {
      x: [third, 0, 1],
      w: [third, 0.5, 0],
      z: [third, 0.5, 0],
    });
  });
});
