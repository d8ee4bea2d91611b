import assert from "node:assert/strict";
import { differentiate } from "../../differentiate/differentiate.ts";
import { float } from "../../model/attributes.ts";
import { DataType } from "../../model/data_type.ts";
import {
  compare,
  type GradientCase,
  makeModel,
  makeNode,
  normal,
  runModel,
  testGradients,
  type Value,
} from "../../_testing.ts";
import { trainingKernel } from "../_testing.ts";

const { FLOAT } = DataType;
const NAMES = ["x", "s", "c", "mean", "var"];
const epsilon = float(0.1);

const valuesOf = (dims: number[]): Record<string, Value> => ({
  x: normal(1, dims),
  s: normal(2, [dims[1]!]),
  c: normal(3, [dims[1]!]),
  mean: normal(4, [dims[1]!]),
  var: normal(5, [dims[1]!], (x) => 0.5 + x * x),
});

function inference(name: string, dims: number[], rest: Partial<GradientCase> = {}): GradientCase {
  return {
    name: `BatchNormalization ${name}`,
    nodes: [makeNode("BatchNormalization", NAMES, ["y"], { epsilon })],
    inputs: valuesOf(dims),
    ...rest,
  };
}

function training(name: string, dims: number[], rest: Partial<GradientCase> = {}): GradientCase {
  const { mean, var: variance, ...inputs } = valuesOf(dims);
  return {
    name: `BatchNormalization in training mode ${name}`,
    nodes: [
      makeNode("BatchNormalization", NAMES, ["y", "m", "v"], { epsilon, training_mode: 1 }),
    ],
    inputs,
    initializers: { mean: mean!, var: variance! },
    ...rest,
  };
}

const cases: readonly GradientCase[] = [
  inference("of images", [2, 3, 2, 2]),
  inference("of vectors", [4, 3]),
  inference("of opset 7", [2, 3, 4], { opset: 7 }),
  inference("of opset 9", [2, 3, 4], { opset: 9 }),
  inference("of opset 14 with unknown sizes", [2, 3, 4], {
    opset: 14,
    symbols: { x: ["N", 3, "T"] },
  }),
  inference("of the parameters alone", [2, 3, 4], { fixed: ["x", "mean", "var"] }),
  training("of images", [2, 3, 2, 2]),
  training("of vectors", [4, 3]),
  training("of opset 14 with unknown sizes", [2, 3, 4], {
    opset: 14,
    symbols: { x: ["N", 3, "T"] },
  }),
  training("of the input alone", [2, 3, 4], { fixed: ["s", "c"] }),
];

testGradients("BatchNormalization has the gradient that central differences give", cases);

/** A model `Σ y²`, y normalized; parameters and statistics are stored. */
function modelOf(node: ReturnType<typeof makeNode>, opset = 15) {
  const { x, ...stored } = valuesOf([4, 3, 2]);
  const inputs = { x: x! };
  const model = makeModel({
    nodes: [
      node,
      makeNode("Mul", ["y", "y"], ["square"]),
      makeNode("ReduceSum", ["square"], ["loss"], { keepdims: 0 }),
    ],
    inputs,
    initializers: stored,
    outputs: ["loss"],
    opset,
  });
  return { model, inputs, stored };
}

/** Per channel the mean and variance of a [4, 3, 2] batch, by their definitions. */
function moments({ data }: Value) {
  return [0, 1, 2].map((c) => {
    const own = data.filter((_, i) => Math.floor(i / 2) % 3 === c);
    const mean = own.reduce((a, v) => a + v, 0) / own.length;
    return { mean, variance: own.reduce((a, v) => a + (v - mean) ** 2, 0) / own.length };
  });
}

const plain = makeNode("BatchNormalization", NAMES, ["y"], { momentum: float(0.75) });

Deno.test("training: true normalizes by the batch and updates the running statistics", async () => {
  const { model, inputs, stored } = modelOf(plain);
  const result = differentiate(model, {
    output: "loss",
    training: true,
    outputs: ["y"],
    parameters: "constants",
  });
  assert.deepEqual(result.parameters, ["s", "c"]);
  assert.deepEqual([...result.statistics], [["mean", "mean_updated"], ["var", "var_updated"]]);
  const found = await runModel(result.model, inputs);
  const batch = moments(inputs.x);
  const blend = (old: number, now: number) => 0.75 * old + 0.25 * now;
  compare(
    found["mean_updated"]!.data,
    batch.map((m, k) => blend(stored["mean"]!.data[k]!, m.mean)),
    1e-12,
    "running mean",
  );
  compare(
    found["var_updated"]!.data,
    batch.map((m, k) => blend(stored["var"]!.data[k]!, m.variance)),
    1e-12,
    "running variance",
  );
  const y = inputs.x.data.map((v, i) => {
    const c = Math.floor(i / 2) % 3;
    const { mean, variance } = batch[c]!;
    return stored["s"]!.data[c]! * (v - mean) / Math.sqrt(variance + Math.fround(1e-5)) +
      stored["c"]!.data[c]!;
  });
  compare(found["y"]!.data, y, 1e-12, "y");
  // Fed back, they are the next step's.
  const fed = differentiate(model, {
    output: "loss",
    training: true,
    outputs: ["y"],
    parameters: "constants",
    fed: ["mean"],
  });
  const next = await runModel(fed.model, {
    ...inputs,
    mean: { dims: [3], data: found["mean_updated"]!.data },
  });
  compare(
    next["mean_updated"]!.data,
    batch.map((m, k) => blend(found["mean_updated"]!.data[k]!, m.mean)),
    1e-12,
    "second step",
  );
});

Deno.test("Nodes that were written for training keep their outputs, and training: false takes them out", async () => {
  const trained = makeNode("BatchNormalization", NAMES, ["y", "m", "v"], { training_mode: 1 });
  const { model, inputs, stored } = modelOf(trained);
  const asWritten = differentiate(model, {
    output: "loss",
    outputs: ["m"],
    parameters: "constants",
  });
  assert.deepEqual([...asWritten.statistics], [["mean", "mean_updated"], ["var", "var_updated"]]);
  const found = await runModel(asWritten.model, inputs);
  assert.deepEqual(found["m"]!.data, found["mean_updated"]!.data);
  const off = differentiate(model, {
    output: "loss",
    outputs: ["m"],
    training: false,
    parameters: "constants",
  });
  assert.equal(off.statistics.size, 0);
  const still = await runModel(off.model, inputs);
  assert.deepEqual(still["m"]!.data, stored["mean"]!.data);
  const same = differentiate(modelOf(plain).model, { output: "loss", parameters: "constants" });
  assert.deepEqual(still["s_grad"]!.data, (await runModel(same.model, inputs))["s_grad"]!.data);
});

Deno.test("Before opset 14 outputs ask for training mode", async () => {
  const old = makeNode("BatchNormalization", NAMES, ["y", "m", "v", "saved_m", "saved_v"]);
  const { model, inputs } = modelOf(old, 9);
  const result = differentiate(model, {
    output: "loss",
    outputs: ["saved_m", "saved_v"],
    parameters: "constants",
  });
  const found = await runModel(result.model, inputs);
  const batch = moments(inputs.x);
  compare(found["saved_m"]!.data, batch.map((m) => m.mean), 1e-12, "mean of the batch");
  compare(found["saved_v"]!.data, batch.map((m) => m.variance), 1e-12, "variance of the batch");
});

Deno.test("BatchNormalization refuses spatial 0 and a loss over its statistics", () => {
  const { model } = modelOf(makeNode("BatchNormalization", NAMES, ["y"], { spatial: 0 }), 7);
  assert.throws(
    () => differentiate(model, { output: "loss" }),
    /Cannot read BatchNormalization "BatchNormalization of y": spatial is 0/,
  );
  const { mean, var: variance, ...inputs } = valuesOf([4, 3, 2]);
  const over = makeModel({
    nodes: [
      makeNode("BatchNormalization", NAMES, ["y", "m", "v"], { training_mode: 1 }),
      makeNode("ReduceSum", ["m"], ["loss"], { keepdims: 0 }),
    ],
    inputs,
    initializers: { mean: mean!, var: variance! },
    outputs: ["loss"],
  });
  assert.throws(
    () => differentiate(over, { output: "loss", trainable: ["x"] }),
    /the loss depends on its running statistics/,
  );
});

Deno.test("BatchNormalization has the gradient of the training kernel", async () => {
  const inputs = Object.fromEntries(
    Object.entries(valuesOf([4, 3, 2])).map(([name, v]) => [name, { ...v, type: FLOAT }]),
  );
  const dy = { ...normal(9, [4, 3, 2]), type: FLOAT };
  const model = makeModel({
    nodes: [
      makeNode("BatchNormalization", NAMES, ["y", "m", "v"], { training_mode: 1 }),
      makeNode("Mul", ["y", "dy"], ["p"]),
      makeNode("ReduceSum", ["p"], ["loss"], { keepdims: 0 }),
    ],
    inputs: { ...inputs, dy },
    outputs: ["loss"],
  });
  const trainable = ["x", "s", "c"];
  const { model: ours } = differentiate(model, {
    output: "loss",
    trainable,
    parameters: "constants",
  });
  const found = await runModel(ours, { ...inputs, dy });
  const batch = moments(inputs["x"]!);
  const vector = (data: number[]) => ({ dims: [3], data, type: FLOAT });
  const feeds = {
    dy,
    x: inputs["x"]!,
    s: inputs["s"]!,
    m: vector(batch.map((b) => b.mean)),
    r: vector(batch.map((b) => 1 / Math.sqrt(b.variance + 1e-5))),
  };
  const outputs = ["dx", "ds", "dc"];
  const expected = await trainingKernel("BatchNormalizationGrad", feeds, outputs, {
    attributes: { epsilon: float(1e-5) },
    opset: 14,
  });
  trainable.forEach((name, k) =>
    compare(found[`${name}_grad`]!.data, expected[outputs[k]!]!, 1e-5, name)
  );
});
