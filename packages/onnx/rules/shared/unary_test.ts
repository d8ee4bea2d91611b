import assert from "node:assert/strict";
import { type AttributeValue } from "../../model/attributes.ts";
import { DataType } from "../../model/data_type.ts";
import { differentiate } from "../../differentiate/differentiate.ts";
import { compare, makeNode, normal, type Value } from "../../_testing.ts";
import { derivativesOf, summed } from "../_testing.ts";

const away = (x: number) => x + Math.sign(x) * 0.5;
const positive = (x: number) => Math.abs(x) + 0.5;
const inside = (x: number) => 0.8 * Math.tanh(x);
const above = (x: number) => 1.5 + Math.abs(x);

// [operator, opset, where it is smooth, attributes]
type Row = readonly [string, number, (x: number) => number, Record<string, AttributeValue>?];

const functions: readonly Row[] = [
  ...["Neg", "Abs", "Exp", "Reciprocal", "Erf", "Sin", "Cos", "Sinh", "Cosh", "Atan", "Asinh"]
    .map((o): Row => [o, 18, away]),
  ...["Sqrt", "Log"].map((o): Row => [o, 18, positive]),
  ...["Tan", "Asin", "Acos", "Atanh"].map((o): Row => [o, 18, inside]),
  ["Acosh", 18, above],
  ...["Relu", "LeakyRelu", "Elu", "Selu", "Sigmoid", "Tanh", "HardSigmoid", "HardSwish", "Mish"]
    .map((o): Row => [o, 18, away]),
  ...["Softplus", "Softsign", "ThresholdedRelu", "Shrink", "Clip"]
    .map((o): Row => [o, 18, inside]),
  ["Gelu", 20, away],
  ["Gelu", 20, away, { approximate: "tanh" }],
  ["Swish", 24, away],
];

/** The operator in half precision between casts, at numbers that half precision has. */
function half(opType: string, attributes: Record<string, AttributeValue> = {}) {
  return [
    makeNode("Cast", ["x"], ["h"], { to: DataType.FLOAT16 }),
    makeNode(opType, ["h"], ["z"], attributes),
    makeNode("Cast", ["z"], ["y"], { to: DataType.FLOAT }),
  ];
}

Deno.test("Every function of one number is differentiated in half precision", async (t) => {
  for (const [opType, opset, map, attributes] of functions) {
    await t.step(`${opType} ${Object.values(attributes ?? {})}`, async () => {
      const given = normal(1, [3, 4], map);
      const data = given.data.map((v) => Math.round(v * 256) / 256);
      const x: Value = { dims: given.dims, data, type: DataType.FLOAT };
      const node = makeNode(opType, ["x"], ["y"], attributes);
      const expected = await derivativesOf(node, x, { opset });
      const actual = await derivativesOf(half(opType, attributes), x, { opset });
      // Half precision has 11 bits: a few roundings of 5e-4.
      compare(actual.first, expected.first, 5e-3, "derivative");
      compare(actual.second, expected.second, 1e-2, "second derivative");
    });
  }
});

Deno.test("Gelu by tanh stays finite at the ends of half precision", async () => {
  const x: Value = { dims: [2], data: [-6e4, 6e4], type: DataType.FLOAT };
  const { first } = await derivativesOf(half("Gelu", { approximate: "tanh" }), x, { opset: 20 });
  assert.deepEqual(first, [0, 1]);
});

// What WebGPU leaves to the CPU costs a copy in both directions at every step.
const SLOW = new Set(
  "Mod OneHot Round Selu Sign Size Softsign Sum LogSoftmax ConstantOfShape".split(" "),
);

Deno.test("Gradients of functions of one number are standard and stay on a GPU", () => {
  for (const [opType, opset, map, attributes] of functions) {
    const node = makeNode(opType, ["x"], ["y"], attributes);
    const model = summed([node], { inputs: { x: normal(1, [2, 3], map) }, opset });
    const { model: gradient } = differentiate(model, { output: "total", trainable: ["x"] });
    const added = gradient.graph!.node.filter((n) => n.name !== node.name);
    assert.deepEqual(added.map((n) => n.opType).filter((o) => SLOW.has(o)), [], opType);
    assert.ok(added.every((n) => n.domain === ""), opType);
  }
});
