import assert from "node:assert/strict";
import { differentiate } from "../../differentiate/differentiate.ts";
import { DataType } from "../../model/data_type.ts";
import { compare, makeModel, makeNode, normal, testGradients, type Value } from "../../_testing.ts";
import { convolutionCase, pulledBack, trainingKernel } from "../_testing.ts";

const FLOAT = DataType.FLOAT;
const float = (value: Value): Value => ({ ...value, type: FLOAT });

interface ConvCase {
  readonly name: string;
  readonly x: number[];
  readonly w: number[];
  readonly bias?: boolean;
  readonly attributes?: Record<string, number | number[] | string>;
  readonly opset?: number;
  readonly symbols?: (number | string)[];
  /** The attributes without auto_pad, which the training kernel of 1.19.2 takes no notice of. */
  readonly explicit?: Record<string, number[]>;
}

const cases: readonly ConvCase[] = [
  { name: "1-d", x: [2, 3, 7], w: [4, 3, 3], bias: true },
  { name: "2-d", x: [2, 3, 5, 6], w: [4, 3, 3, 2], bias: true },
  { name: "3-d", x: [1, 2, 4, 3, 4], w: [2, 2, 2, 3, 2], bias: true },
  { name: "2-d of opset 7", x: [2, 3, 5, 6], w: [4, 3, 3, 2], bias: true, opset: 7 },
  { name: "1 × 1", x: [2, 3, 8, 7], w: [4, 3, 1, 1], bias: true },
  { name: "1 × 1 over many places", x: [2, 9, 8, 9], w: [3, 9, 1, 1], bias: true },
  {
    name: "1 × 1 over many places, of a batch of unknown size, with strides",
    x: [2, 9, 17, 16],
    w: [4, 9, 1, 1],
    attributes: { strides: [2, 2] },
    symbols: ["N", 9, 17, 16],
  },
  { name: "many windows", x: [2, 2, 9, 9], w: [3, 2, 3, 3], attributes: { pads: [1, 1, 1, 1] } },
  {
    name: "uneven pads",
    x: [2, 2, 5, 4],
    w: [3, 2, 3, 3],
    bias: true,
    attributes: { pads: [0, 2, 1, 1] },
  },
  {
    name: "a stride that leaves a remainder",
    x: [2, 2, 8, 6],
    w: [3, 2, 3, 3],
    attributes: { strides: [3, 2], pads: [1, 0, 0, 1] },
  },
  {
    name: "a stride longer than the kernel",
    x: [1, 2, 9, 9],
    w: [2, 2, 1, 2],
    attributes: { strides: [3, 4] },
  },
  {
    name: "dilations",
    x: [2, 2, 7, 8],
    w: [3, 2, 3, 2],
    attributes: { dilations: [2, 3], pads: [1, 1, 1, 1] },
  },
  {
    name: "dilations and strides",
    x: [2, 2, 9, 8],
    w: [3, 2, 3, 2],
    attributes: { dilations: [2, 3], strides: [2, 3], pads: [1, 1, 0, 1] },
  },
  { name: "two groups", x: [2, 4, 5, 5], w: [6, 2, 3, 3], bias: true, attributes: { group: 2 } },
  {
    name: "two groups over many windows",
    x: [2, 4, 9, 9],
    w: [6, 2, 2, 2],
    attributes: { group: 2 },
  },
  {
    name: "depthwise",
    x: [2, 3, 6, 5],
    w: [3, 1, 3, 3],
    bias: true,
    attributes: { group: 3, pads: [1, 1, 1, 1], strides: [2, 1] },
  },
  {
    name: "depthwise, without strides",
    x: [2, 3, 6, 5],
    w: [3, 1, 3, 2],
    bias: true,
    attributes: { group: 3, pads: [1, 0, 2, 1], dilations: [1, 2] },
  },
  {
    name: "depthwise, of a batch of unknown size",
    x: [2, 3, 6, 5],
    w: [3, 1, 3, 3],
    attributes: { group: 3, pads: [1, 1, 1, 1] },
    symbols: ["N", 3, "H", "W"],
  },
  {
    name: "depthwise with a large kernel",
    x: [1, 3, 8, 9],
    w: [3, 1, 7, 7],
    attributes: { group: 3, pads: [3, 3, 3, 3] },
  },
  {
    name: "depthwise with a multiplier",
    x: [2, 3, 5, 5],
    w: [6, 1, 3, 3],
    attributes: { group: 3 },
  },
  {
    name: "a large kernel",
    x: [2, 2, 9, 9],
    w: [2, 2, 7, 6],
    attributes: { strides: [2, 3], pads: [3, 2, 3, 3] },
  },
  {
    name: "5 × 5 over eight channels",
    x: [2, 8, 6, 5],
    w: [3, 8, 5, 5],
    attributes: { pads: [2, 2, 2, 2] },
    symbols: ["N", 8, 6, 5],
  },
  {
    name: "5 × 5 over two channels",
    x: [2, 2, 6, 5],
    w: [3, 2, 5, 5],
    attributes: { pads: [2, 2, 2, 2] },
    symbols: ["N", 2, 6, 5],
  },
  {
    name: "one channel over many windows, of a batch of unknown size",
    x: [2, 1, 9, 8],
    w: [3, 1, 3, 2],
    attributes: { pads: [1, 0, 1, 1] },
    symbols: ["N", 1, 9, 8],
  },
  {
    name: "three channels over many windows, strides and dilations",
    x: [2, 3, 18, 17],
    w: [2, 3, 2, 3],
    attributes: { strides: [2, 2], dilations: [2, 1], pads: [1, 0, 0, 2] },
  },
  { name: "1-d over many windows", x: [2, 2, 70], w: [3, 2, 5], bias: true },
  { name: "3-d over many windows", x: [1, 2, 5, 6, 5], w: [2, 2, 2, 3, 1] },
  {
    name: "a large kernel, groups and dilations",
    x: [2, 4, 9, 19],
    w: [4, 2, 3, 9],
    attributes: { group: 2, dilations: [1, 2], strides: [2, 1] },
  },
  {
    name: "auto_pad SAME_UPPER",
    x: [2, 2, 6, 5],
    w: [2, 2, 2, 3],
    attributes: { auto_pad: "SAME_UPPER", strides: [1, 2] },
    explicit: { pads: [0, 1, 1, 1], strides: [1, 2] },
  },
  {
    name: "auto_pad SAME_LOWER",
    x: [2, 2, 6, 5],
    w: [2, 2, 2, 3],
    attributes: { auto_pad: "SAME_LOWER", strides: [1, 2] },
    explicit: { pads: [1, 1, 0, 1], strides: [1, 2] },
  },
  {
    name: "auto_pad SAME_UPPER, on images of unknown size",
    x: [2, 2, 6, 5],
    w: [2, 2, 2, 3],
    attributes: { auto_pad: "SAME_UPPER" },
    explicit: { pads: [0, 1, 1, 1] },
    symbols: [2, 2, "H", "W"],
  },
  {
    name: "auto_pad VALID",
    x: [2, 2, 6, 5],
    w: [2, 2, 2, 3],
    attributes: { auto_pad: "VALID", strides: [2, 2] },
  },
  {
    name: "a batch of unknown size",
    x: [2, 4, 5, 6],
    w: [4, 2, 3, 3],
    bias: true,
    attributes: { group: 2, strides: [2, 2] },
    symbols: ["N", 4, 5, 6],
  },
  {
    name: "a large kernel, a batch of unknown size",
    x: [2, 2, 9, 9],
    w: [2, 2, 6, 7],
    attributes: { strides: [2, 1], dilations: [1, 1] },
    symbols: ["N", 2, 9, 9],
  },
  {
    name: "a large kernel, groups and a batch of unknown size",
    x: [3, 4, 9, 13],
    w: [6, 2, 6, 7],
    attributes: { strides: [2, 1], dilations: [1, 2], group: 2 },
    symbols: ["N", 4, 9, 13],
  },
  {
    name: "images of unknown size",
    x: [2, 2, 6, 8],
    w: [3, 2, 3, 2],
    bias: true,
    attributes: { strides: [2, 3], pads: [1, 0, 1, 1] },
    symbols: ["N", 2, "H", "W"],
  },
  {
    name: "a large kernel on images of unknown size",
    x: [2, 4, 9, 9],
    w: [4, 2, 6, 6],
    attributes: { strides: [2, 1], group: 2 },
    symbols: ["N", 4, "H", "W"],
  },
];

const inputsOf = (test: ConvCase): Record<string, Value> => ({
  x: normal(1, test.x),
  w: normal(2, test.w),
  ...(test.bias ? { bias: normal(3, [test.w[0]!]) } : {}),
});

const nodeOf = (test: ConvCase) =>
  makeNode("Conv", ["x", "w", ...(test.bias ? ["bias"] : [])], ["y"], test.attributes ?? {});

testGradients(
  "Conv has the gradients that central differences give",
  cases.map((test) => convolutionCase(test, nodeOf(test), inputsOf(test))),
);

Deno.test("Conv has the gradients of ONNX Runtime's training kernel", async (t) => {
  for (const test of cases) {
    await t.step(test.name, async () => {
      const inputs = Object.fromEntries(
        Object.entries(inputsOf(test)).map(([name, value]) => [name, float(value)]),
      );
      const names = Object.keys(inputs);
      const { dy, gradients } = await pulledBack(nodeOf(test), inputs);
      const { x, w } = inputs as { x: Value; w: Value };
      const expected = await trainingKernel("ConvGrad", { dy, x, w }, names.map((n) => `d${n}`), {
        attributes: { kernel_shape: test.w.slice(2), ...(test.explicit ?? test.attributes) },
      });
      for (const name of names) {
        compare(gradients[name]!, expected[`d${name}`]!, 1e-5, `${test.name}: "${name}"`);
      }
    });
  }
});

const refusal = (
  x: number[],
  w: number[],
  attributes: Record<string, number | number[] | string>,
  symbols: Record<string, (number | string)[]> = {},
) =>
() => {
  const inputs = { x: float(normal(1, x)), w: float(normal(2, w)) };
  differentiate(
    makeModel({
      nodes: [
        makeNode("Conv", ["x", "w"], ["y"], attributes),
        makeNode("ReduceSum", ["y"], ["loss"], { keepdims: 0 }),
      ],
      inputs,
      outputs: ["loss"],
      symbols,
    }),
    { output: "loss", trainable: ["x", "w"] },
  );
};

Deno.test("Conv refuses what does not fit, or is not known", () => {
  assert.throws(
    refusal([1, 3, 4, 4], [2, 2, 3, 3], {}),
    /Cannot read Conv "Conv of y": the input has 3 channels, the weights take 2/,
  );
  assert.throws(
    refusal([1, 2, 4, 4], [2, 2, 3, 3], { strides: [2] }),
    /Cannot read Conv "Conv of y": strides has 1 elements, expected 2/,
  );
  assert.throws(
    refusal([1, 2, 4, 4], [3, 1, 3, 3], { group: 2 }),
    /Cannot read Conv "Conv of y": 2 groups do not fit weights of shape \[3,1,3,3\]/,
  );
  assert.throws(
    refusal([1, 2, 4, 4], [2, 2, 3, 3], { dilations: [0, 1] }),
    /Cannot read Conv "Conv of y": kernel \[3,3\], strides \[1,1\], dilations \[0,1\]/,
  );
  assert.throws(
    refusal([1, 2, 4, 4], [2, 2, 3, 3], { pads: [-1, 0, 0, 0] }),
    /Cannot read Conv "Conv of y": pads \[-1,0,0,0\]/,
  );
  assert.throws(
    refusal([1, 2, 2, 2], [2, 2, 3, 3], {}),
    /Cannot read Conv "Conv of y": a window spans 3 points of an axis of 2/,
  );
  assert.throws(
    refusal([1, 2, 4, 4], [2, 2, 3, 3], { auto_pad: "SAME_UPPER", strides: [2, 2] }, {
      x: [1, 2, "H", 4],
    }),
    /Cannot differentiate Conv "Conv of y": auto_pad SAME_UPPER with a stride needs sizes that are known/,
  );
  assert.throws(
    refusal([1, 2, 4, 4], [2, 2, 3, 3], {}, { w: [2, 2, "K", 3] }),
    /Cannot differentiate Conv "Conv of y": the kernel of shape \[2,2,K,3\] is not known/,
  );
});
