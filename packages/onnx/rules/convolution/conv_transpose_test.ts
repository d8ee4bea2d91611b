import assert from "node:assert/strict";
import { differentiate } from "../../differentiate/differentiate.ts";
import { DataType } from "../../model/data_type.ts";
import { compare, makeModel, makeNode, normal, testGradients, type Value } from "../../_testing.ts";
import { convolutionCase, pulledBack, trainingKernel } from "../_testing.ts";

const float = (value: Value): Value => ({ ...value, type: DataType.FLOAT });

interface TransposedCase {
  readonly name: string;
  readonly x: number[];
  /** `[C, O/group, kernel…]` */
  readonly w: number[];
  readonly bias?: number;
  readonly attributes?: Record<string, number | number[] | string>;
  readonly opset?: number;
  readonly symbols?: (number | string)[];
}

const cases: readonly TransposedCase[] = [
  { name: "1-d", x: [2, 3, 5], w: [3, 4, 3], bias: 4 },
  { name: "2-d", x: [2, 3, 4, 3], w: [3, 2, 3, 2], bias: 2 },
  { name: "3-d", x: [1, 2, 2, 3, 2], w: [2, 2, 2, 3, 2], bias: 2 },
  { name: "2-d of opset 7", x: [2, 3, 4, 3], w: [3, 2, 3, 2], bias: 2, opset: 7 },
  {
    name: "strides and pads",
    x: [2, 3, 4, 3],
    w: [3, 2, 3, 4],
    attributes: { strides: [2, 3], pads: [1, 0, 0, 2] },
  },
  {
    name: "output_padding",
    x: [2, 3, 4, 3],
    w: [3, 2, 3, 3],
    attributes: { strides: [2, 3], output_padding: [1, 2], pads: [1, 1, 1, 1] },
  },
  {
    name: "output_padding over a kernel shorter than the stride",
    x: [2, 3, 4, 3],
    w: [3, 2, 2, 1],
    attributes: { strides: [3, 3], output_padding: [2, 2] },
  },
  {
    name: "dilations",
    x: [2, 3, 4, 3],
    w: [3, 2, 2, 3],
    attributes: { strides: [2, 1], dilations: [3, 2], pads: [2, 1, 1, 1] },
  },
  {
    name: "groups",
    x: [2, 4, 4, 3],
    w: [4, 3, 3, 3],
    bias: 6,
    attributes: { group: 2, strides: [2, 1] },
  },
  {
    name: "depthwise",
    x: [2, 3, 4, 3],
    w: [3, 1, 3, 3],
    bias: 3,
    attributes: { group: 3, strides: [2, 2], output_padding: [1, 1], pads: [1, 1, 1, 1] },
  },
  {
    name: "output_shape",
    x: [2, 3, 4, 3],
    w: [3, 2, 3, 3],
    attributes: { strides: [2, 2], output_shape: [8, 6] },
  },
  {
    name: "output_shape with SAME_UPPER",
    x: [2, 3, 4, 3],
    w: [3, 2, 3, 4],
    attributes: { strides: [2, 2], output_shape: [8, 5], auto_pad: "SAME_UPPER" },
  },
  {
    name: "output_shape with SAME_LOWER",
    x: [2, 3, 4, 3],
    w: [3, 2, 3, 4],
    attributes: { strides: [2, 2], output_shape: [8, 5], auto_pad: "SAME_LOWER" },
  },
  {
    name: "output_shape beyond the last window",
    x: [2, 3, 4, 3],
    w: [3, 2, 2, 3],
    attributes: { strides: [2, 2], output_shape: [9, 8] },
  },
  {
    name: "auto_pad SAME_UPPER",
    x: [2, 3, 4, 3],
    w: [3, 2, 3, 4],
    attributes: { strides: [2, 1], auto_pad: "SAME_UPPER" },
  },
  {
    name: "auto_pad SAME_LOWER",
    x: [2, 3, 4, 3],
    w: [3, 2, 3, 4],
    attributes: { strides: [2, 1], auto_pad: "SAME_LOWER" },
  },
  {
    name: "auto_pad VALID",
    x: [2, 3, 4, 3],
    w: [3, 2, 3, 4],
    attributes: { strides: [2, 1], auto_pad: "VALID" },
  },
  { name: "a large kernel", x: [1, 2, 4, 3], w: [2, 2, 6, 5], attributes: { strides: [2, 1] } },
  {
    name: "a batch of unknown size",
    x: [2, 4, 4, 3],
    w: [4, 3, 3, 3],
    bias: 6,
    attributes: { group: 2, strides: [2, 1] },
    symbols: ["N", 4, 4, 3],
  },
  {
    name: "images of unknown size",
    x: [2, 2, 4, 3],
    w: [2, 3, 3, 3],
    attributes: { strides: [2, 3], output_padding: [1, 1], pads: [1, 0, 1, 1] },
    symbols: ["N", 2, "H", "W"],
  },
];

const inputsOf = (test: TransposedCase): Record<string, Value> => ({
  x: normal(1, test.x),
  w: normal(2, test.w),
  ...(test.bias === undefined ? {} : { bias: normal(3, [test.bias]) }),
});

const nodeOf = (test: TransposedCase) =>
  makeNode(
    "ConvTranspose",
    ["x", "w", ...(test.bias === undefined ? [] : ["bias"])],
    ["y"],
    test.attributes ?? {},
  );

testGradients(
  "ConvTranspose has the gradients that central differences give",
  cases.map((test) => convolutionCase(test, nodeOf(test), inputsOf(test))),
);

// 1.19.2 has ConvTransposeGrad for CUDA alone. Its ConvGrad makes the same weight gradient: a
// transposed convolution is ⟨Y, dY⟩ = ⟨X, Conv(dY, W)⟩, with X where ConvGrad has its cotangent.
const explicit = cases.filter(({ attributes = {} }) =>
  !("auto_pad" in attributes) && !("output_shape" in attributes)
);

Deno.test("ConvTranspose has the weight gradient of ONNX Runtime's training kernel", async (t) => {
  for (const test of explicit) {
    await t.step(test.name, async () => {
      const inputs = Object.fromEntries(
        Object.entries(inputsOf(test)).map(([name, value]) => [name, float(value)]),
      );
      const { x, w } = inputs as { x: Value; w: Value };
      const { dy, gradients } = await pulledBack(nodeOf(test), inputs, { wanted: ["w"] });
      const { output_padding: _, ...attributes } = test.attributes ?? {};
      const { dw } = await trainingKernel("ConvGrad", { x, dy, w }, ["unused", "dw"], {
        attributes: { kernel_shape: test.w.slice(2), ...attributes },
      });
      compare(gradients["w"]!, dw!, 1e-5, test.name);
    });
  }
});

Deno.test("ConvTranspose refuses what does not fit, or is not known", () => {
  const attempt = (
    w: number[],
    attributes: Record<string, number | number[] | string> = {},
    x: (number | string)[] = [1, 2, 4, 4],
  ) =>
  () =>
    differentiate(
      makeModel({
        nodes: [
          makeNode("ConvTranspose", ["x", "w"], ["y"], attributes),
          makeNode("ReduceSum", ["y"], ["loss"], { keepdims: 0 }),
        ],
        inputs: { x: float(normal(1, [1, 2, 4, 4])), w: float(normal(2, w)) },
        outputs: ["loss"],
        symbols: { x },
      }),
      { output: "loss", trainable: ["x", "w"] },
    );
  assert.throws(
    attempt([3, 2, 3, 3]),
    /Cannot read ConvTranspose "ConvTranspose of y": the input has 2 channels, the weights take 3/,
  );
  assert.throws(
    attempt([2, 2, 3, 3], { output_shape: [8, 8] }, [1, 2, "H", 4]),
    /Cannot differentiate ConvTranspose "ConvTranspose of y": .* needs sizes that are known/,
  );
});
