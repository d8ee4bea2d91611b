import { DataType } from "../model/data_type.ts";
import { compare, type GradientCase, makeNode, normal, testGradients } from "../_testing.ts";
import { derivativesOf, slope } from "./_testing.ts";

const inside = (x: number) => 0.8 * Math.tanh(x);
const above = (x: number) => 1.5 + Math.abs(x);
const any = (x: number) => x;

// [operator, function in double, where it is defined and smooth]
const functions: readonly [string, (x: number) => number, (x: number) => number][] = [
  ["Sin", Math.sin, any],
  ["Cos", Math.cos, any],
  ["Tan", Math.tan, inside],
  ["Sinh", Math.sinh, any],
  ["Cosh", Math.cosh, any],
  ["Asin", Math.asin, inside],
  ["Acos", Math.acos, inside],
  ["Atan", Math.atan, any],
  ["Asinh", Math.asinh, any],
  ["Acosh", Math.acosh, above],
  ["Atanh", Math.atanh, inside],
];

// onnxruntime-node has double kernels of these two alone.
const cases: readonly GradientCase[] = ["Sin", "Cos"].flatMap((opType) =>
  [7, 18].map((opset) => ({
    name: `${opType}, opset ${opset}`,
    nodes: [makeNode(opType, ["x"], ["y"])],
    inputs: { x: normal(1, [3, 4]) },
    opset,
  }))
);

testGradients("Sine and cosine have the gradients that central differences give", cases);

// The operator runs in float32; the differences are those of the same function in double, so that
// the tolerance is that of a few float32 roundings, not of differences in float32.
Deno.test("Circular and hyperbolic functions have the derivatives of their formulas", async (t) => {
  for (const [opType, f, domain] of functions) {
    await t.step(opType, async () => {
      const given = normal(1, [3, 4], domain);
      const x = { ...given, data: given.data.map(Math.fround), type: DataType.FLOAT };
      const found = await derivativesOf(makeNode(opType, ["x"], ["y"]), x, { opset: 9 });
      const first = (v: number) => slope(f, v, 1e-3);
      compare(found.first, x.data.map(first), 2e-6, `derivative of ${opType}`);
      const second = x.data.map((v) => slope(first, v, 1e-3));
      compare(found.second, second, 5e-6, `second derivative of ${opType}`);
    });
  }
});

Deno.test("Inverse sines are exact to rounding next to 1", async () => {
  const near = Math.fround(1 - 2 ** -20);
  const x = { dims: [1], data: [near], type: DataType.FLOAT };
  const { first } = await derivativesOf(makeNode("Asin", ["x"], ["y"]), x);
  compare(first, [1 / Math.sqrt((1 - near) * (1 + near))], 1e-6, "derivative of Asin");
});
