import assert from "node:assert/strict";
import { makeModel, makeNode } from "../_testing.ts";
import { runOnCpu } from "../legalize/_testing.ts";
import { random } from "../legalize/cases/_testing.ts";
import type { ModelProto, NodeProto } from "../proto/onnx_pb.ts";
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
