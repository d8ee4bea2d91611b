import assert from "node:assert/strict";
import { type AttributeValue, float } from "../model/attributes.ts";
import { DataType } from "../model/data_type.ts";
import { checkGradients, compare, makeNode, normal, testGradients } from "../_testing.ts";
import { differentiate } from "../differentiate/differentiate.ts";
import { derivativesOf, gradientOf, slope, summed, trainingKernel } from "./_testing.ts";

const x = { ...normal(1, [5, 7]), type: DataType.FLOAT };
const gelu = (attributes: Record<string, AttributeValue> = {}) =>
  makeNode("Gelu", ["x"], ["y"], attributes);
const contributed = makeNode("Gelu", ["x"], ["y"], {}, "com.microsoft");

Deno.test("Gelu has the gradients that central differences give", async (t) => {
  // The tanh form inlines to operators with double kernels; the exact one needs Erf: float32.
  await t.step("tanh", () =>
    checkGradients({
      name: "Gelu by tanh",
      nodes: [gelu({ approximate: "tanh" })],
      inputs: { x: normal(1, [3, 4]) },
      opset: 20,
    }));
  for (const opset of [18, 20]) {
    await t.step(`erf, opset ${opset}`, () =>
      checkGradients({
        name: "Gelu",
        nodes: [opset === 20 ? gelu() : contributed],
        inputs: { x: normal(1, [3, 4]) },
        opset,
        precision: "float",
      }));
  }
});

Deno.test("Gelu by tanh has the derivatives of its formula", async () => {
  const f = (v: number) =>
    v / 2 * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v ** 3)));
  const first = (v: number) => slope(f, v, 1e-3);
  const found = await derivativesOf(gelu({ approximate: "tanh" }), x, { opset: 20 });
  compare(found.first, x.data.map(first), 2e-6, "derivative");
  compare(found.second, x.data.map((v) => slope(first, v, 1e-3)), 1e-5, "second derivative");
});

Deno.test("Gelu has the derivatives Φ + xφ and (2 − x²)φ at zero and ends", async () => {
  const at = { dims: [3], data: [-50, 0, 50], type: DataType.FLOAT };
  const phi = 1 / Math.sqrt(2 * Math.PI);
  for (const approximate of ["none", "tanh"]) {
    const found = await derivativesOf(gelu({ approximate }), at, { opset: 20 });
    compare(found.first, [0, 0.5, 1], 1e-6, `derivative, ${approximate}`);
    compare(found.second, [0, 2 * phi, 0], 1e-6, `second derivative, ${approximate}`);
  }
});

Deno.test("Gelu matches the training kernels of ONNX Runtime 1.19.2", async (t) => {
  const dy = { ...x, data: x.data.map(() => 1) };
  for (const [kernel, approximate] of [["GeluGrad", "none"], ["FastGeluGrad", "tanh"]] as const) {
    await t.step(kernel, async () => {
      const { dx } = await trainingKernel(kernel, { dy, x }, ["dx"]);
      const actual = await gradientOf([gelu({ approximate })], { x }, { opset: 20 });
      compare(actual["x"]!, dx!, 2e-6, kernel);
    });
  }
});

const bias = { ...normal(2, [7]), type: DataType.FLOAT };
const alpha = { alpha: float(1.5) };
const variants: readonly [string, string[], Record<string, AttributeValue>?][] = [
  ["BiasGelu", ["x", "bias"]],
  ["FastGelu", ["x"]],
  ["FastGelu", ["x", "bias"]],
  ["QuickGelu", ["x"]],
  ["QuickGelu", ["x"], alpha],
];

// Their kernels are float32 alone.
testGradients(
  "Contributed forms have the gradients that central differences give",
  variants.flatMap(([opType, names, attributes]) =>
    [17, 20].map((opset) => ({
      name: `${opType}(${names}), opset ${opset}`,
      nodes: [makeNode(opType, names, ["y"], attributes, "com.microsoft")],
      inputs: Object.fromEntries(
        names.map((input) => [input, normal(1, input === "x" ? [2, 4] : [4])]),
      ),
      opset,
      precision: "float",
    }))
  ),
);

Deno.test("Contributed forms match the training kernels of ONNX Runtime 1.19.2", async (t) => {
  const dy = { ...x, data: x.data.map(() => 1) };
  for (
    const [opType, kernel, names, attributes] of [
      ["BiasGelu", "BiasGeluGrad_dX", ["x", "bias"], {}],
      ["FastGelu", "BiasFastGeluGrad_dX", ["x", "bias"], {}],
      ["QuickGelu", "QuickGeluGrad", ["x"], alpha],
    ] as const
  ) {
    await t.step(kernel, async () => {
      const inputs = names.length === 2 ? { x, bias } : { x };
      const { dx } = await trainingKernel(kernel, { dy, ...inputs }, ["dx"], { attributes });
      const forward = makeNode(opType, names, ["y"], attributes, "com.microsoft");
      const actual = await gradientOf([forward], inputs);
      compare(actual["x"]!, dx!, 2e-6, kernel);
    });
  }
});

Deno.test("A contributed Gelu becomes the standard one from opset 20 on", () => {
  for (const [opset, opType] of [[20, "Gelu"], [17, "Erf"]] as const) {
    const model = summed([contributed], { inputs: { x }, opset });
    const { model: gradient } = differentiate(model, { output: "total", trainable: ["x"] });
    assert.ok(gradient.graph!.node.some((n) => n.opType === opType && n.domain === ""));
    assert.ok(gradient.graph!.node.every((n) => n.domain === ""));
  }
});

Deno.test("Gelu of an unknown approximation is refused by name", () => {
  const model = summed([gelu({ approximate: "cubic" })], { inputs: { x }, opset: 20 });
  assert.throws(
    () => differentiate(model, { output: "total", trainable: ["x"] }),
    /Cannot differentiate Gelu "Gelu of y": approximate is "cubic", known are "none" and "tanh"/,
  );
});
