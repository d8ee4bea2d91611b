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
  type Value,
} from "../_testing.ts";
import { trainingKernel } from "./_testing.ts";

const { FLOAT, INT32, INT64 } = DataType;

interface Variant {
  readonly name: string;
  readonly reduction?: string;
  readonly dims?: readonly number[];
  readonly labels?: readonly number[];
  readonly type?: DataType;
  readonly weighted?: boolean;
  readonly ignored?: number;
  /** Outputs in the test's loss: the loss, the log-probabilities, both. */
  readonly outputs?: readonly string[];
  readonly symbols?: GradientCase["symbols"];
  readonly opset?: number;
}

const variants: readonly Variant[] = [
  { name: "mean" },
  { name: "sum", reduction: "sum" },
  { name: "none", reduction: "none" },
  { name: "mean with weights", weighted: true },
  { name: "sum with weights", reduction: "sum", weighted: true },
  { name: "none with weights", reduction: "none", weighted: true },
  { name: "mean with ignore_index", ignored: 2 },
  {
    name: "sum with ignore_index outside of the classes",
    labels: [0, -100, 3, -100],
    ignored: -100,
  },
  { name: "none with ignore_index", reduction: "none", ignored: 0 },
  { name: "mean with weights and ignore_index", weighted: true, ignored: 2 },
  { name: "int32 labels", type: INT32, ignored: 2 },
  { name: "opset 12", opset: 12, weighted: true },
  { name: "unknown sizes", symbols: { x: ["N", "C"], t: ["N"] } },
  { name: "unknown sizes, weights", weighted: true, symbols: { x: ["N", "C"], t: ["N"] } },
  ...["mean", "sum", "none"].map((reduction) => ({
    name: `${reduction} over images`,
    reduction,
    dims: [2, 4, 3, 1],
    labels: [0, 1, 2, 3, 0, 1],
    weighted: true,
    ignored: 1,
  })),
  {
    name: "mean over sequences of unknown length",
    dims: [2, 4, 3],
    labels: [0, 1, 2, 3, 0, 1],
    symbols: { x: ["N", 4, "T"], t: ["N", "T"] },
  },
];

function lossCase(opType: string, v: Variant): GradientCase {
  const { dims = [4, 4], labels = [1, 2, 3, 0], weighted = false, ignored } = v;
  const t: Value = {
    dims: [dims[0]!, ...dims.slice(2)],
    data: labels,
    type: v.type ?? INT64,
  };
  const softmax = opType === "SoftmaxCrossEntropyLoss";
  return {
    name: `${opType}, ${v.name}`,
    nodes: [
      makeNode(opType, weighted ? ["x", "t", "w"] : ["x", "t"], softmax ? ["y", "log_p"] : ["y"], {
        reduction: v.reduction ?? "mean",
        ...(ignored === undefined ? {} : { ignore_index: ignored }),
      }),
    ],
    inputs: { x: normal(1, dims), t },
    ...(weighted ? { initializers: { w: { dims: [4], data: [0.5, 2, 1, 0.25] } } } : {}),
    ...(v.symbols === undefined ? {} : { symbols: v.symbols }),
    outputs: v.outputs ?? ["y"],
    opset: v.opset ?? 18,
  };
}

for (const opType of ["SoftmaxCrossEntropyLoss", "NegativeLogLikelihoodLoss"]) {
  testGradients(
    `${opType} has the gradient that central differences give`,
    variants.map((variant) => lossCase(opType, variant)),
  );
}

testGradients(
  "The log-probabilities of SoftmaxCrossEntropyLoss have a gradient too",
  [["log_p"], ["y", "log_p"]].flatMap((outputs) =>
    [variants[0]!, variants[9]!, variants[14]!].map((variant) => {
      const test = lossCase("SoftmaxCrossEntropyLoss", { ...variant, outputs });
      return { ...test, name: `${test.name}: ${outputs.join(" and ")}` };
    })
  ),
);

Deno.test("SoftmaxCrossEntropyLoss has the gradient of the training kernel", async (t) => {
  for (const variant of variants.filter((v) => v.reduction !== "none" && v.type === undefined)) {
    await t.step(variant.name, async () => {
      const test = lossCase("SoftmaxCrossEntropyLoss", variant);
      const inputs = Object.fromEntries(
        Object.entries({ ...test.inputs, ...test.initializers }).map(([name, v]) =>
          [name, { ...v, type: v.type ?? FLOAT }] as const
        ),
      );
      const model = makeModel({ nodes: test.nodes, inputs, outputs: ["y"] });
      const result = differentiate(model, {
        output: "y",
        trainable: ["x"],
        outputs: ["log_p"],
      });
      const { x_grad: found, log_p: logs } = await runModel(result.model, inputs);
      const one = { dims: [], data: [1], type: FLOAT };
      const feeds: Record<string, Value> = {
        dy: one,
        log_p: { dims: logs!.dims, data: logs!.data, type: FLOAT },
        t: inputs["t"]!,
        ...(variant.weighted ? { w: inputs["w"]! } : {}),
      };
      const { dx } = await trainingKernel("SoftmaxCrossEntropyLossGrad", feeds, ["dx"], {
        attributes: {
          reduction: variant.reduction ?? "mean",
          ...(variant.ignored === undefined ? {} : { ignore_index: variant.ignored }),
        },
        opset: 14,
        dims: logs!.dims,
      });
      compare(found!.data, dx!, 1e-5, variant.name);
    });
  }
});

Deno.test("A batch of ignored labels alone has gradient 0", async () => {
  const inputs = {
    x: { ...normal(1, [2, 3]), type: FLOAT },
    t: { dims: [2], data: [-1, -1], type: INT64 },
  };
  const model = makeModel({
    nodes: [makeNode("SoftmaxCrossEntropyLoss", ["x", "t"], ["y"], { ignore_index: -1 })],
    inputs,
    outputs: ["y"],
  });
  const { model: ours } = differentiate(model, { output: "y", trainable: ["x"] });
  const { x_grad: g } = await runModel(ours, inputs);
  assert.deepEqual(g!.data.map((v) => v + 0), [0, 0, 0, 0, 0, 0]);
});

Deno.test("Class weights are constants by default and cannot be trained", () => {
  const model = makeModel({
    nodes: [
      makeNode("MatMul", ["x", "k"], ["z"]),
      makeNode("SoftmaxCrossEntropyLoss", ["z", "t", "w"], ["y"]),
    ],
    inputs: { x: normal(1, [2, 3]), t: { dims: [2], data: [0, 1], type: INT64 } },
    initializers: { k: normal(2, [3, 3]), w: { dims: [3], data: [1, 2, 3] } },
    outputs: ["y"],
  });
  assert.deepEqual(differentiate(model, { output: "y" }).parameters, ["k"]);
  assert.throws(
    () => differentiate(model, { output: "y", trainable: ["w"] }),
    /Cannot differentiate SoftmaxCrossEntropyLoss "SoftmaxCrossEntropyLoss of y": its class weights/,
  );
});

Deno.test("A loss refuses a reduction that it does not know", () => {
  const { nodes, inputs } = lossCase("SoftmaxCrossEntropyLoss", { name: "", reduction: "median" });
  const model = makeModel({ nodes: [...nodes], inputs, outputs: ["y"] });
  assert.throws(
    () => differentiate(model, { output: "y", trainable: ["x"] }),
    /Cannot differentiate SoftmaxCrossEntropyLoss "SoftmaxCrossEntropyLoss of y": reduction is "median"/,
  );
});
