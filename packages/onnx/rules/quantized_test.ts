import assert from "node:assert/strict";
import { DataType } from "../model/data_type.ts";
import { differentiate } from "../differentiate/differentiate.ts";
import {
  type GradientCase,
  makeModel,
  makeNode,
  normal,
  testGradients,
  type Value,
} from "../_testing.ts";

const integers = (dims: readonly number[], type: DataType): Value => ({
  dims,
  data: normal(7, dims, (x) => Math.round(20 * x) + (type === DataType.UINT8 ? 100 : 0)).data,
  type,
});
const positive = (x: number) => Math.abs(x) + 0.5;

const dequantized = (
  name: string,
  scale: Value,
  zero: Value,
  attributes: Record<string, number> = {},
  opset = 21,
): GradientCase => ({
  name,
  nodes: [
    makeNode("DequantizeLinear", ["q", "scale", "zero"], ["w"], attributes),
    makeNode("MatMul", ["x", "w"], ["z"]),
    makeNode("Mul", ["z", "z"], ["y"]),
  ],
  inputs: { x: normal(1, [2, 4]), scale },
  initializers: { q: integers([4, 6], zero.type!), zero },
  precision: "float",
  secondOrder: false,
  opset,
});

const zero = (dims: readonly number[], type: DataType, value = 3): Value => ({
  dims,
  data: new Array(dims.reduce((a, d) => a * d, 1)).fill(value),
  type,
});

const cases: readonly GradientCase[] = [
  dequantized("by tensor", normal(2, [], positive), zero([], DataType.INT8), {}, 13),
  dequantized("by column", normal(2, [6], positive), zero([6], DataType.UINT8, 98)),
  dequantized("by row", normal(2, [4], positive), zero([4], DataType.INT8), { axis: 0 }),
  dequantized("by blocks", normal(2, [2, 6], positive), zero([2, 6], DataType.INT8), {
    axis: 0,
    block_size: 2,
  }),
];

testGradients("DequantizeLinear has the gradient by its scale that differences give", cases);

Deno.test("Scales of quantized weights are not trained by default", () => {
  const float = (v: Value): Value => ({ ...v, type: DataType.FLOAT });
  const model = makeModel({
    nodes: [
      makeNode("DequantizeLinear", ["q", "scale"], ["base"]),
      makeNode("Add", ["base", "w"], ["sum"]),
      makeNode("MatMul", ["x", "sum"], ["y"]),
    ],
    inputs: { x: float(normal(1, [2, 4])) },
    initializers: {
      q: integers([4, 6], DataType.INT8),
      scale: float(normal(2, [6], positive)),
      w: float(normal(3, [4, 6])),
    },
    outputs: ["y"],
    opset: 21,
  });
  assert.deepEqual(differentiate(model, { loss: { type: "mse" } }).parameters, ["w"]);
});
