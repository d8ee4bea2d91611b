import assert from "node:assert/strict";
import { differentiate } from "../differentiate/differentiate.ts";
import { DataType } from "../model/data_type.ts";
import {
  compare,
  type GradientCase,
  makeModel,
  makeNode,
  normal,
  runModel,
  testGradients,
} from "../_testing.ts";
import { gradientOf, trainingKernel } from "./_testing.ts";

const { FLOAT } = DataType;
type Rest = Pick<GradientCase, "opset" | "symbols">;

const along = (opType: string, name: string, axis: number | undefined, rest: Rest = {}) => ({
  name: `${opType} ${name}`,
  nodes: [makeNode(opType, ["x"], ["y"], axis === undefined ? {} : { axis })],
  inputs: { x: normal(1, [2, 3, 4]) },
  ...rest,
});

for (const opType of ["Softmax", "LogSoftmax"]) {
  const cases: readonly GradientCase[] = [
    along(opType, "along the last axis", undefined),
    along(opType, "along axis 1", 1),
    along(opType, "along axis 0 of unknown size", 0, { symbols: { x: ["N", "T", "C"] } }),
    along(opType, "of opset 11, over all axes from 1 on", undefined, { opset: 11 }),
    along(opType, "of opset 9, over all axes", 0, { opset: 9 }),
    along(opType, "of opset 12 along the last axis", 2, { opset: 12 }),
    along(opType, "of opset 11 with unknown sizes", 1, {
      opset: 11,
      symbols: { x: ["N", "T", "C"] },
    }),
  ];
  testGradients(`${opType} has the gradient that central differences give`, cases);

  Deno.test(`${opType} has the gradient of the training kernel`, async () => {
    const x = { ...normal(1, [3, 5]), type: FLOAT };
    const dy = { ...normal(2, [3, 5]), type: FLOAT };
    const model = makeModel({
      nodes: [
        makeNode(opType, ["x"], ["y"], { axis: 1 }),
        makeNode("Mul", ["y", "dy"], ["p"]),
        makeNode("ReduceSum", ["p"], ["loss"], { keepdims: 0 }),
      ],
      inputs: { x, dy },
      outputs: ["loss"],
    });
    const { model: ours } = differentiate(model, {
      output: "loss",
      trainable: ["x"],
      outputs: ["y"],
    });
    const { y, x_grad: found } = await runModel(ours, { x, dy });
    const feeds = { dy, y: { dims: [3, 5], data: y!.data, type: FLOAT } };
    const { dx } = await trainingKernel(`${opType}Grad_13`, feeds, ["dx"], {
      attributes: { axis: 1 },
      dims: [3, 5],
    });
    compare(found!.data, dx!, 1e-6, opType);
  });
}

Deno.test("Hardmax is constant almost everywhere", async () => {
  const x = { ...normal(1, [2, 3]), type: FLOAT };
  const model = makeModel({
    nodes: [
      makeNode("Hardmax", ["x"], ["h"]),
      makeNode("Mul", ["h", "x"], ["p"]),
      makeNode("ReduceSum", ["p"], ["loss"], { keepdims: 0 }),
    ],
    inputs: { x },
    outputs: ["h", "loss"],
  });
  const result = differentiate(model, { output: "loss", trainable: ["x"] });
  const { h, x_grad: g } = await runModel(result.model, { x });
  assert.deepEqual(g!.data, h!.data);
});

Deno.test("A row that may look at nothing has a zero gradient, its guard being there or not", async () => {
  // p = Softmax(x w + mask), y = Where(IsNaN(p), 0, p); the second row is masked.
  const guard = (cast: boolean, byMask = false) => [
    makeNode("MatMul", ["x", "w"], ["scores"]),
    makeNode("Add", ["scores", "mask"], ["masked"]),
    makeNode("Softmax", ["masked"], [cast ? "q" : "p"], { axis: -1 }),
    ...(cast ? [makeNode("Identity", ["q"], ["p"])] : []),
    ...(byMask
      ? [
        makeNode("ReduceMax", ["mask", "last"], ["most"], { keepdims: 1 }),
        makeNode("IsInf", ["most"], ["closed"], { detect_positive: 0 }),
      ]
      : [makeNode("IsNaN", ["p"], ["nan"])]),
    makeNode("Where", [byMask ? "closed" : "nan", "zero", "p"], ["guarded"]),
    makeNode("Mul", ["guarded", "weights"], ["y"]),
  ];
  const inputs = {
    x: { dims: [2, 3], data: [1, 2, 3, 4, 5, 6] },
    w: normal(1, [3, 3]),
    mask: { dims: [2, 3], data: [0, 0, -Infinity, -Infinity, -Infinity, -Infinity] },
    weights: normal(2, [2, 3]),
  };
  const initializers = {
    zero: { dims: [1], data: [0] },
    last: { dims: [1], data: [1], type: DataType.INT64 },
  };
  for (const [cast, byMask] of [[false, false], [true, false], [false, true]] as const) {
    const found = await gradientOf(guard(cast, byMask), inputs, {
      initializers,
      wanted: ["w", "x"],
    });
    // Of the first row alone, without a mask on the second.
    const alone = await gradientOf(
      guard(cast),
      {
        x: { dims: [1, 3], data: inputs.x.data.slice(0, 3) },
        w: inputs.w,
        mask: { dims: [1, 3], data: inputs.mask.data.slice(0, 3) },
        weights: { dims: [1, 3], data: inputs.weights.data.slice(0, 3) },
      },
      { initializers, wanted: ["w", "x"] },
    );
    compare(found["w"]!, alone["w"]!, 1e-12, "w");
    compare(found["x"]!, [...alone["x"]!, 0, 0, 0], 1e-12, "x");
  }
});
