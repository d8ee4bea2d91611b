import assert from "node:assert/strict";
import { makeModel, makeNode } from "../_testing.ts";
import { runOnCpu } from "../legalize/_testing.ts";
import { random } from "../legalize/scenarios/cases.ts";
import type { ModelProto, NodeProto } from "../proto/onnx_pb.ts";
import { DataType } from "../model/data_type.ts";
import { declaration } from "../model/value_info.ts";
import { differentiate } from "./differentiate.ts";

const pool = { kernel_shape: [3, 2], strides: [2, 2], pads: [1, 0, 1, 0] };
const relu = makeNode("Relu", ["shifted"], ["r"]);

/** The sum of `weights` times pooled values of x + c. */
function pooled(middle: readonly NodeProto[], outputs: readonly string[] = []): ModelProto {
  return makeModel({
    nodes: [
      makeNode("Add", ["x", "c"], ["shifted"]),
      ...middle,
      makeNode("Mul", ["p", "weights"], ["weighted"]),
      makeNode("ReduceSum", ["weighted"], ["loss"], { keepdims: 0 }),
    ],
    inputs: { x: random(1, [2, 3, 6, 8]) },
    initializers: { c: random(2, [3, 6, 8]), weights: random(3, [2, 3, 3, 4]) },
    outputs: ["loss", ...outputs],
  });
}

const gradientOf = (model: ModelProto) =>
  differentiate(model, { output: "loss", trainable: ["c"], parameters: "constants" }).model;

/** What Relu and MaxPool read. */
const readsIn = (model: ModelProto) =>
  model.graph!.node.filter((n) => /^(Relu|MaxPool)$/.test(n.opType))
    .map((n) => [n.opType, n.input[0]!] as const);

Deno.test("Relu before MaxPool is differentiated after it, with the same loss and gradient", async () => {
  const plain = gradientOf(pooled([relu, makeNode("MaxPool", ["r"], ["p"], pool)]));
  const [first] = readsIn(plain);
  assert.deepEqual(first, ["MaxPool", "shifted"]);
  // Kept as an output it stays where it is.
  const kept = gradientOf(pooled([relu, makeNode("MaxPool", ["r"], ["p"], pool)], ["r"]));
  assert.deepEqual(readsIn(kept)[0], ["Relu", "shifted"]);
  // Rows of ties, zeros and windows without a positive value.
  const numbers = random(4, [2, 3, 6, 8]);
  const x = { ...numbers, data: numbers.data.map((v) => Math.round(Number(v))) };
  const [a, b] = [await runOnCpu(plain, { x }), await runOnCpu(kept, { x })];
  assert.deepEqual(a["loss"]!.data, b["loss"]!.data);
  assert.deepEqual(a["c_grad"]!.data, b["c_grad"]!.data);
  assert.ok(a["c_grad"]!.data.some((g) => g !== 0) && a["c_grad"]!.data.some((g) => g === 0));
});

Deno.test("Relu stays where something else reads it, or a gradient by it is wanted", () => {
  const twice = pooled([
    relu,
    makeNode("MaxPool", ["r"], ["q"], pool),
    makeNode("ReduceMean", ["r"], ["mean"], { keepdims: 0 }),
    makeNode("Add", ["q", "mean"], ["p"]),
  ]);
  assert.deepEqual(readsIn(gradientOf(twice))[0], ["Relu", "shifted"]);
  const once = pooled([relu, makeNode("MaxPool", ["r"], ["p"], pool)]);
  const { model, gradients } = differentiate(once, { output: "loss", wanted: ["r"] });
  assert.deepEqual(readsIn(model)[0], ["Relu", "shifted"]);
  assert.equal(gradients.get("r"), "r_grad");
  // Its Indices tell zeros apart.
  const indices = pooled([relu, makeNode("MaxPool", ["r"], ["p", "at"], pool)], ["at"]);
  assert.deepEqual(readsIn(gradientOf(indices))[0], ["Relu", "shifted"]);
});

Deno.test("Relu stays where the shape of what it reads is not known", async () => {
  const x = { dims: [4], data: [-1, 2, 3, 1], type: DataType.FLOAT };
  const shape = { dims: [3], data: [1, 1, 4], type: DataType.INT64 };
  const model = makeModel({
    nodes: [
      makeNode("Reshape", ["x", "shape"], ["image"]),
      makeNode("Relu", ["image"], ["r"]),
      makeNode("MaxPool", ["r"], ["p"], { kernel_shape: [2], strides: [2] }),
      makeNode("ReduceSum", ["p"], ["loss"], { keepdims: 0 }),
    ],
    inputs: { x, shape },
    symbols: { shape: ["rank"] },
    outputs: ["loss"],
  });
  // The file declares what Relu gives, not what it takes.
  model.graph!.valueInfo.push(declaration("r", DataType.FLOAT, [1, 1, 4]));
  const options = { output: "loss", trainable: ["x"], parameters: "constants" } as const;
  const found = await runOnCpu(differentiate(model, options).model, { x, shape });
  assert.deepEqual(found["x_grad"]!.data, [0, 1, 1, 0]);
});

Deno.test("Relu stays where a window may lie in the padding alone", async () => {
  const x = { dims: [1, 1, 2], data: [1, 2], type: DataType.FLOAT };
  const model = makeModel({
    nodes: [
      makeNode("Relu", ["x"], ["r"]),
      // Reads the points −1 and 2.
      makeNode("MaxPool", ["r"], ["p"], { kernel_shape: [2], dilations: [3], pads: [1, 1] }),
      makeNode("ReduceSum", ["p"], ["loss"], { keepdims: 0 }),
    ],
    inputs: { x },
    outputs: ["loss"],
  });
  const options = { output: "loss", trainable: ["x"], parameters: "constants" } as const;
  const found = await runOnCpu(differentiate(model, options).model, { x });
  assert.deepEqual(found["loss"]!.data, (await runOnCpu(model, { x }))["loss"]!.data);
});
