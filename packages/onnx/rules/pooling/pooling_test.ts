import assert from "node:assert/strict";
import { differentiate } from "../../differentiate/differentiate.ts";
import { DataType } from "../../model/data_type.ts";
import {
  compare,
  distinct,
  makeModel,
  makeNode,
  normal,
  runModel,
  testGradients,
  type Value,
} from "../../_testing.ts";
import { pulledBack, trainingKernel } from "../_testing.ts";

interface PoolCase {
  readonly name: string;
  readonly op: string;
  readonly x: number[];
  readonly attributes?: Record<string, number | number[] | string>;
  readonly opset?: number;
  readonly symbols?: (number | string)[];
  /** 1.19.2's AveragePoolGrad knows no dilations, ceil_mode or auto_pad, and errs in 3-d. */
  readonly withoutOracle?: boolean;
}

const average = (
  name: string,
  x: number[],
  attributes: Record<string, number | number[] | string>,
  rest: Partial<PoolCase> = {},
): PoolCase => ({ name: `AveragePool ${name}`, op: "AveragePool", x, attributes, ...rest });

const lp = (
  name: string,
  x: number[],
  attributes: Record<string, number | number[] | string>,
  rest: Partial<PoolCase> = {},
): PoolCase => ({ name: `LpPool ${name}`, op: "LpPool", x, attributes, ...rest });

const cases: readonly PoolCase[] = [
  average("1-d, side by side", [2, 3, 8], { kernel_shape: [2], strides: [2] }),
  average("2-d, side by side", [2, 3, 4, 6], { kernel_shape: [2, 3], strides: [2, 3] }),
  average("side by side, with points left over", [2, 2, 5, 7], {
    kernel_shape: [2, 2],
    strides: [2, 2],
  }),
  average("of opset 7", [2, 3, 6, 5], { kernel_shape: [3, 2], strides: [2, 1] }, { opset: 7 }),
  average("overlapping", [2, 2, 5, 6], { kernel_shape: [3, 2] }),
  average("overlapping, with pads", [2, 2, 5, 6], {
    kernel_shape: [3, 2],
    pads: [1, 1, 2, 0],
  }),
  average("overlapping, with pads counted", [2, 2, 5, 6], {
    kernel_shape: [3, 2],
    pads: [1, 1, 2, 0],
    count_include_pad: 1,
  }),
  average("with strides", [2, 2, 8, 7], { kernel_shape: [3, 3], strides: [2, 3] }),
  average("with strides and pads", [2, 2, 8, 7], {
    kernel_shape: [3, 3],
    strides: [2, 3],
    pads: [1, 0, 1, 2],
  }),
  average("with strides and pads counted", [2, 2, 8, 7], {
    kernel_shape: [3, 3],
    strides: [2, 3],
    pads: [1, 0, 1, 2],
    count_include_pad: 1,
  }),
  average("3-d", [1, 2, 4, 3, 4], { kernel_shape: [2, 2, 3], strides: [1, 1, 2] }, {
    withoutOracle: true,
  }),
  average("with ceil_mode", [2, 2, 6, 8], {
    kernel_shape: [3, 3],
    strides: [2, 2],
    ceil_mode: 1,
  }, { withoutOracle: true }),
  average("with ceil_mode and pads", [2, 2, 6, 7], {
    kernel_shape: [3, 3],
    strides: [2, 2],
    pads: [1, 1, 0, 1],
    ceil_mode: 1,
  }, { withoutOracle: true }),
  average("with ceil_mode and pads counted", [2, 2, 6, 7], {
    kernel_shape: [3, 3],
    strides: [2, 2],
    pads: [1, 1, 0, 1],
    ceil_mode: 1,
    count_include_pad: 1,
  }, { withoutOracle: true }),
  average("with dilations", [2, 2, 7, 8], {
    kernel_shape: [2, 3],
    dilations: [3, 2],
    pads: [1, 1, 1, 1],
  }, { opset: 19, withoutOracle: true }),
  average("with dilations, strides and pads counted", [2, 2, 7, 8], {
    kernel_shape: [2, 3],
    dilations: [2, 2],
    strides: [1, 2],
    pads: [1, 1, 1, 1],
    count_include_pad: 1,
  }, { opset: 19, withoutOracle: true }),
  average("with auto_pad SAME_UPPER", [2, 2, 5, 6], {
    kernel_shape: [3, 2],
    strides: [2, 1],
    auto_pad: "SAME_UPPER",
  }, { withoutOracle: true }),
  average("with auto_pad SAME_LOWER", [2, 2, 5, 6], {
    kernel_shape: [3, 2],
    strides: [2, 1],
    auto_pad: "SAME_LOWER",
  }, { withoutOracle: true }),
  average("of a batch of unknown size", [2, 2, 4, 6], {
    kernel_shape: [2, 2],
    strides: [2, 2],
  }, { symbols: ["N", 2, 4, 6] }),
  average("of a batch of unknown size, with strides and pads", [2, 2, 8, 7], {
    kernel_shape: [3, 3],
    strides: [2, 3],
    pads: [1, 0, 1, 2],
  }, { symbols: ["N", 2, 8, 7] }),
  average("of images of unknown size", [2, 2, 8, 7], {
    kernel_shape: [3, 3],
    strides: [2, 3],
    pads: [1, 0, 1, 2],
  }, { symbols: ["N", 2, "H", "W"] }),
  average("of images of unknown size, with pads counted", [2, 2, 5, 6], {
    kernel_shape: [3, 2],
    pads: [1, 1, 1, 0],
    count_include_pad: 1,
  }, { symbols: ["N", "C", "H", "W"] }),
  lp("p = 2", [2, 2, 5, 6], { kernel_shape: [3, 2] }),
  lp("p = 2, side by side", [2, 2, 5, 6], { kernel_shape: [2, 2], strides: [2, 2] }),
  lp("p = 1", [2, 2, 5, 6], { kernel_shape: [3, 2], p: 1 }),
  lp("p = 3, with strides and pads", [2, 2, 7, 6], {
    kernel_shape: [3, 3],
    strides: [2, 2],
    pads: [1, 1, 1, 1],
    p: 3,
  }),
  lp("p = 4, 1-d", [2, 2, 7], { kernel_shape: [3], strides: [2], p: 4 }),
  lp("p = 2, 3-d", [1, 2, 3, 4, 3], { kernel_shape: [2, 2, 2] }),
  lp("with dilations", [2, 2, 7, 6], { kernel_shape: [2, 2], dilations: [2, 3] }),
  lp("with ceil_mode", [2, 2, 6, 7], { kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1 }),
  lp("of opset 11, with auto_pad", [2, 2, 5, 6], {
    kernel_shape: [3, 2],
    strides: [2, 1],
    auto_pad: "SAME_UPPER",
  }, { opset: 11 }),
  lp("of images of unknown size", [2, 2, 5, 6], { kernel_shape: [3, 2], strides: [2, 1] }, {
    symbols: ["N", 2, "H", "W"],
  }),
  { name: "GlobalAveragePool 1-d", op: "GlobalAveragePool", x: [2, 3, 5] },
  { name: "GlobalAveragePool 2-d", op: "GlobalAveragePool", x: [2, 3, 4, 5] },
  {
    name: "GlobalAveragePool of images of unknown size",
    op: "GlobalAveragePool",
    x: [2, 3, 4, 5],
    symbols: ["N", 3, "H", "W"],
  },
  { name: "GlobalMaxPool 1-d", op: "GlobalMaxPool", x: [2, 3, 5] },
  { name: "GlobalMaxPool 3-d", op: "GlobalMaxPool", x: [2, 3, 2, 3, 2] },
  {
    name: "GlobalMaxPool of images of unknown size",
    op: "GlobalMaxPool",
    x: [2, 3, 4, 5],
    symbols: ["N", 3, "H", "W"],
  },
  { name: "GlobalLpPool p = 2", op: "GlobalLpPool", x: [2, 3, 4, 5] },
  { name: "GlobalLpPool p = 1", op: "GlobalLpPool", x: [2, 3, 4], attributes: { p: 1 } },
  {
    name: "GlobalLpPool p = 3 of images of unknown size",
    op: "GlobalLpPool",
    x: [2, 3, 4, 2],
    attributes: { p: 3 },
    symbols: ["N", 3, "H", "W"],
  },
];

const node = (test: PoolCase, output = "t") =>
  makeNode(test.op, ["x"], [output], test.attributes ?? {});

/** Away from 0, where norms have a kink. */
const away = (x: number) => Math.sign(x) * (0.4 + Math.abs(x));

testGradients(
  "Means and norms over windows have the gradients that central differences give",
  cases.map((test) => {
    // Linear in x but for the square: a long step costs nothing where there is no kink.
    const linear = test.op.endsWith("AveragePool");
    const maximum = test.op === "GlobalMaxPool";
    return {
      name: test.name,
      // The square gives the second order something to find.
      nodes: [node(test), makeNode("Mul", ["t", "t"], ["y"])],
      inputs: { x: maximum ? distinct(3, test.x, 0.4) : normal(3, test.x, away) },
      // ONNX Runtime has these operators in float alone.
      precision: "float",
      step: linear ? 0.25 : 0.02,
      tolerance: linear ? 5e-5 : 2e-3,
      ...(test.opset === undefined ? {} : { opset: test.opset }),
      ...(test.symbols === undefined ? {} : { symbols: { x: test.symbols } }),
    };
  }),
);

Deno.test("AveragePool has the gradient of ONNX Runtime's training kernel", async (t) => {
  for (const test of cases.filter((c) => c.op === "AveragePool" && !c.withoutOracle)) {
    await t.step(test.name, async () => {
      const x: Value = { ...normal(5, test.x), type: DataType.FLOAT };
      const { dy, gradients } = await pulledBack(
        node(test),
        { x },
        test.symbols === undefined ? {} : { symbols: { x: test.symbols } },
      );
      const { dx } = await trainingKernel("AveragePoolGrad", { dy }, ["dx"], {
        attributes: test.attributes ?? {},
        domain: "",
        dims: test.x,
      });
      compare(gradients["x"]!, dx!, 1e-5, test.name);
    });
  }
});

// A window of zeros has the norm 0: 0/0 must not come out as NaN.
Deno.test("LpPool gives 0 to a window of zeros", async () => {
  const x: Value = { dims: [1, 1, 4], data: [0, 0, 3, 4], type: DataType.FLOAT };
  const { model, gradients } = differentiate(
    makeModel({
      nodes: [
        makeNode("LpPool", ["x"], ["t"], { kernel_shape: [2], strides: [2] }),
        makeNode("ReduceSum", ["t"], ["loss"], { keepdims: 0 }),
      ],
      inputs: { x },
      outputs: ["loss"],
    }),
    { output: "loss", trainable: ["x"] },
  );
  // |(3, 4)| = 5
  const found = (await runModel(model, { x }))[gradients.get("x")!]!;
  compare(found.data, [0, 0, 0.6, 0.8], 1e-6, "gradient");
});

Deno.test("Pooling refuses what does not fit, or is not known", () => {
  const attempt = (
    op: string,
    attributes: Record<string, number | number[] | string>,
    x: (number | string)[] = [1, 2, 4, 4],
  ) =>
  () =>
    differentiate(
      makeModel({
        nodes: [
          makeNode(op, ["x"], ["y"], attributes),
          makeNode("ReduceSum", ["y"], ["loss"], { keepdims: 0 }),
        ],
        inputs: { x: { ...normal(1, [1, 2, 4, 4]), type: DataType.FLOAT } },
        outputs: ["loss"],
        symbols: { x },
      }),
      { output: "loss", trainable: ["x"] },
    );
  assert.throws(
    attempt("MaxPool", {}),
    /Cannot read MaxPool "MaxPool of y": kernel_shape is missing/,
  );
  assert.throws(
    attempt("MaxPool", { kernel_shape: [2] }),
    /Cannot read MaxPool "MaxPool of y": the kernel has 1 axes, the input has 2/,
  );
  assert.throws(
    attempt("AveragePool", { kernel_shape: [2, 2], ceil_mode: 1 }, [1, 2, "H", 4]),
    /Cannot differentiate AveragePool "AveragePool of y": ceil_mode needs sizes that are known/,
  );
  assert.throws(
    attempt("MaxPool", { kernel_shape: [2, 2], dilations: [2, 1], auto_pad: "SAME_UPPER" }),
    /Cannot read MaxPool "MaxPool of y": its auto_pad is SAME, .* of its dilations: give pads/,
  );
  assert.throws(
    attempt("LpPool", { kernel_shape: [2, 2], p: 0 }),
    /Cannot differentiate LpPool "LpPool of y": p is 0, expected at least 1/,
  );
});
