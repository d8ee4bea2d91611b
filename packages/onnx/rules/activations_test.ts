import assert from "node:assert/strict";
import { type AttributeValue, float } from "../model/attributes.ts";
import { DataType } from "../model/data_type.ts";
import {
  compare,
  type GradientCase,
  makeModel,
  makeNode,
  normal,
  oracleOrt,
  runModel,
  testGradients,
  withOpset,
} from "../_testing.ts";
import { derivativesOf, gradientOf, slope } from "./_testing.ts";

/** Kinks at 0 stay half a unit away. */
const away = (x: number) => x + Math.sign(x) * 0.5;

const activation = (
  opType: string,
  attributes: Record<string, AttributeValue> = {},
  more: Partial<GradientCase> = {},
): GradientCase => ({
  name: [opType, ...Object.keys(attributes).map((a) => `with ${a}`)].join(" "),
  nodes: [makeNode(opType, ["x"], ["y"], attributes)],
  inputs: { x: normal(1, [3, 4], away) },
  ...more,
});

const pRelu = (x: number[], slope: number[], more: Partial<GradientCase> = {}): GradientCase => ({
  name: `PRelu of [${x}] and slopes [${slope}]`,
  nodes: [makeNode("PRelu", ["x", "s"], ["y"])],
  inputs: { x: normal(1, x, away), s: normal(2, slope) },
  ...more,
});

/** Flat, linear and flat again: |x| = 3 and 2.5 are the kinks of the hard functions. */
const hard = { dims: [6], data: [-4.2, -3.4, -1.3, 0.7, 1.9, 3.3] };

/**
 * The double forms of opset 18 are the standard's function bodies, inlined; other operator sets
 * have float32 kernels alone. The rule is the same.
 */
const single = (opset: number): Partial<GradientCase> => ({ opset, precision: "float" });

/** The kernel rounds to float32 even in double: piecewise linear, so a large step costs nothing. */
const shrink = (data: number[], attributes: Record<string, AttributeValue>, opset: number) =>
  activation("Shrink", attributes, { inputs: { x: { dims: [4], data } }, opset, step: 0.0625 });

const cases: readonly GradientCase[] = [
  activation("Relu"),
  activation("Relu", {}, { opset: 7 }),
  activation("ThresholdedRelu", {}, {
    ...single(10),
    inputs: { x: { dims: [4], data: [-1, 0.3, 1.7, 2] } },
  }),
  activation("ThresholdedRelu", { alpha: float(-0.25) }, single(22)),
  activation("LeakyRelu"),
  activation("LeakyRelu", { alpha: float(0.25) }, single(7)),
  pRelu([2, 3, 4], [4]),
  pRelu([2, 3, 4], [3, 1]),
  pRelu([2, 3], [1], single(7)),
  pRelu([2, 3], [2, 3], { symbols: { x: ["N", "M"], s: ["N", "M"] } }),
  pRelu([2, 3], [1, 3], { symbols: { x: ["N", "M"], s: ["K", "M"] } }),
  activation("Elu"),
  activation("Elu", { alpha: float(0.5) }, single(7)),
  activation("Elu", { alpha: float(-0.5) }),
  activation("Selu"),
  activation("Selu", { alpha: float(0.75), gamma: float(1.5) }, single(7)),
  // Celu has float32 alone, in the standard too.
  activation("Celu", {}, { precision: "float" }),
  activation("Celu", { alpha: float(2) }, { precision: "float", opset: 12 }),
  activation("Sigmoid"),
  activation("Sigmoid", {}, { opset: 7, symbols: { x: ["N", "M"] } }),
  activation("Tanh"),
  activation("Tanh", {}, { opset: 7 }),
  activation("HardSigmoid", {}, { inputs: { x: hard } }),
  activation("HardSigmoid", { alpha: float(0.5), beta: float(0.25) }, single(7)),
  activation("HardSwish", {}, { inputs: { x: hard } }),
  activation("HardSwish", {}, { inputs: { x: hard }, ...single(14), step: 5e-3, tolerance: 5e-3 }),
  activation("Swish", {}, { opset: 24 }),
  activation("Swish", { alpha: float(1.5) }, { opset: 24 }),
  activation("Mish"),
  activation("Mish", {}, single(22)),
  activation("Softplus"),
  activation("Softplus", {}, single(7)),
  activation("Softsign"),
  activation("Softsign", {}, single(22)),
  shrink([-1.2, -0.05, 0.03, 1.1], {}, 18),
  shrink([-2, -0.3, 0.25, 1.8], { lambd: float(1), bias: float(0.125) }, 9),
];

testGradients("Activations have the gradients that central differences give", cases.map(withOpset));

// [operator, attributes, points, derivative that PyTorch and ONNX Runtime's kernels take there]
const kinks: readonly [string, Record<string, AttributeValue>, number[], number[]][] = [
  ["Relu", {}, [0], [0]],
  ["ThresholdedRelu", { alpha: float(0.5) }, [0.5], [0]],
  ["LeakyRelu", { alpha: float(0.25) }, [0], [0.25]],
  ["Elu", { alpha: float(0.5) }, [0], [0.5]],
  ["Selu", { alpha: float(1.5), gamma: float(2) }, [0], [3]],
  ["HardSigmoid", { alpha: float(0.5), beta: float(0.5) }, [-1, 1], [0, 0]],
  ["HardSwish", {}, [-3, 3], [0, 1]],
  ["Softsign", {}, [0], [1]],
  ["Shrink", {}, [-0.5, 0.5], [0, 0]],
];

Deno.test("Activations take the usual side of their kinks", async (t) => {
  for (const [opType, attributes, data, expected] of kinks) {
    await t.step(opType, async () => {
      const x = { dims: [data.length], data, type: DataType.FLOAT };
      const { x: actual } = await gradientOf([makeNode(opType, ["x"], ["y"], attributes)], { x });
      assert.deepEqual(actual, expected);
    });
  }
});

Deno.test("PRelu takes the slope at 0 and gives the slope nothing", async () => {
  const x = { dims: [3], data: [-2, 0, 2] };
  const s = { dims: [1], data: [0.25] };
  const actual = await gradientOf([makeNode("PRelu", ["x", "s"], ["y"])], { x, s });
  assert.deepEqual(actual, { x: [0.25, 0.25, 1], s: [-2] });
});

Deno.test("Activations stay finite far out", async (t) => {
  // [operator, opset, limits of the derivative at −∞ and ∞]
  const limits: readonly [string, number, number, number][] = [
    ["Sigmoid", 18, 0, 0],
    ["Tanh", 18, 0, 0],
    ["Softplus", 18, 0, 1],
    ["Mish", 18, 0, 1],
    ["Swish", 24, 0, 1],
    ["Elu", 18, 0, 1],
    ["Softsign", 18, 0, 0],
  ];
  for (const [opType, opset, low, high] of limits) {
    await t.step(opType, async () => {
      const x = { dims: [2], data: [-1e5, 1e5], type: DataType.FLOAT };
      const found = await derivativesOf(makeNode(opType, ["x"], ["y"]), x, { opset });
      compare(found.first, [low, high], 1e-6, `derivative of ${opType}`);
      compare(found.second, [0, 0], 1e-6, `second derivative of ${opType}`);
    });
  }
});

Deno.test("Celu matches its formula in double", async () => {
  const alpha = 1.5;
  const f = (x: number) => Math.max(0, x) + Math.min(0, alpha * Math.expm1(x / alpha));
  const x = { ...normal(1, [20], away), type: DataType.FLOAT };
  const node = makeNode("Celu", ["x"], ["y"], { alpha: float(alpha) });
  const found = await derivativesOf(node, x);
  const first = (v: number) => slope(f, v, 1e-3);
  // Float32: y/α + 1 loses a digit where the derivative is small.
  compare(found.first, x.data.map(first), 1e-6, "derivative");
  compare(found.second, x.data.map((v) => slope(first, v, 1e-3)), 2e-6, "second derivative");
});

Deno.test("Activations match the training kernels of ONNX Runtime 1.19.2", async (t) => {
  const ort = await oracleOrt();
  // [operator, kernel, whether the kernel reads y instead of x, attributes]
  const kernels: readonly [string, string, boolean, Record<string, AttributeValue>][] = [
    ["Relu", "ReluGrad", true, {}],
    ["Sigmoid", "SigmoidGrad", true, {}],
    ["Tanh", "TanhGrad", true, {}],
    ["LeakyRelu", "LeakyReluGrad", true, { alpha: float(0.125) }],
    // QuickGelu is what the standard calls Swish since opset 24, which 1.19.2 does not have.
    ["Swish", "QuickGeluGrad", false, { alpha: float(1.5) }],
  ];
  for (const [opType, kernel, readsOutput, attributes] of kernels) {
    await t.step(kernel, async () => {
      // Zero among them: the kernels' side of the kink.
      const x = { ...normal(1, [5, 7]), type: DataType.FLOAT };
      const inputs = { x: { ...x, data: [0, ...x.data.slice(1)] } };
      const dy = { dims: x.dims, data: x.data.map(() => 1), type: DataType.FLOAT };
      const forward = makeNode(opType, ["x"], ["y"], attributes);
      const backward = makeNode(
        kernel,
        ["dy", readsOutput ? "y" : "x"],
        ["dx"],
        attributes,
        "com.microsoft",
      );
      const model = makeModel({
        nodes: readsOutput ? [forward, backward] : [backward],
        inputs: { ...inputs, dy },
        outputs: ["dx"],
      });
      const expected = await runModel(model, { ...inputs, dy }, ort);
      const opset = opType === "Swish" ? 24 : 18;
      const actual = await gradientOf([forward], inputs, { opset });
      compare(actual["x"]!, expected["dx"]!.data, 1e-6, kernel);
    });
  }
});
