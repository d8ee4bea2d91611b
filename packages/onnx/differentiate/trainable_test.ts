import assert from "node:assert/strict";
import { generateArtifacts } from "../artifacts/generate_artifacts.ts";
import { readArtifacts } from "../artifacts/read_artifacts.ts";
import { readCheckpoint } from "../artifacts/checkpoint.ts";
import { DataType } from "../model/data_type.ts";
import { makeModel, makeNode, normal, runModel, type TestGraph, type Value } from "../_testing.ts";
import { differentiate } from "./differentiate.ts";
import { hessianVectorProduct } from "./hessian_vector_product.ts";
import { lossGraph } from "./loss_graph.ts";
import type { Trainable } from "./trainable.ts";
import { trainingGraph } from "./training_graph.ts";

const float = (value: Value): Value => ({ ...value, type: DataType.FLOAT });
const scalar = (value: number) => float({ dims: [], data: [value] });
const rootHalf = scalar(Math.SQRT1_2);

/** `y = gelu(x w) t + b` as an exporter writes it, with its numbers as initializers. */
const graph: TestGraph = {
  nodes: [
    makeNode("MatMul", ["x", "w"], ["h"]),
    makeNode("Mul", ["h", "root_half"], ["scaled"]),
    makeNode("Erf", ["scaled"], ["erf"]),
    makeNode("Add", ["erf", "one"], ["raised"]),
    makeNode("Mul", ["h", "raised"], ["twice"]),
    makeNode("Mul", ["twice", "half"], ["gelu"]),
    makeNode("Mul", ["gelu", "t"], ["scaled_gelu"]),
    makeNode("Add", ["scaled_gelu", "b"], ["y"]),
  ],
  inputs: { x: float(normal(1, [4, 3])) },
  initializers: {
    w: float(normal(2, [3, 2])),
    root_half: rootHalf,
    one: scalar(1),
    half: scalar(0.5),
    t: scalar(2),
    b: float(normal(3, [1])),
  },
  outputs: ["y"],
};
const model = makeModel(graph);
const loss = { type: "mse" } as const;

Deno.test("Scalars are not parameters by default, wherever parameters are chosen", () => {
  const expected = ["w", "b"];
  assert.deepEqual(differentiate(model, { loss }).parameters, expected);
  assert.deepEqual([...differentiate(model, { loss }).gradients.keys()], expected);
  assert.deepEqual(lossGraph(model, { loss }).parameters, expected);
  assert.deepEqual([...hessianVectorProduct(model, { loss }).products.keys()], expected);
  const grown = trainingGraph(model, { loss, squares: true, curvature: "hutchinson" });
  assert.deepEqual([...grown.squares!.keys()], expected);
  assert.deepEqual([...grown.values.keys()], expected);
  // They stay in the file; those of GELU are what makes it one.
  const stored = grown.model.graph!.initializer.map((t) => t.name);
  assert.ok(stored.includes("t"));
});

Deno.test("A scalar that is named, or chosen, is a parameter", async () => {
  const trainable = ["w", "t"];
  assert.deepEqual(differentiate(model, { loss, trainable }).parameters, trainable);
  const chosen = differentiate(model, {
    loss,
    trainable: (name) => name === "t",
    parameters: "constants",
  });
  assert.deepEqual(chosen.parameters, ["t"]);
  const feeds = { x: graph.inputs!["x"]!, labels: float({ dims: [4, 2], data: Array(8).fill(0) }) };
  const found = await runModel(chosen.model, feeds);
  // ∂/∂t mean (t g + b)² = 2 mean(y (y − b)) / t
  const b = normal(3, [1]).data[0]!;
  const expected = found["y"]!.data.reduce((sum, y) => sum + y * (y - b), 0) / 8;
  assert.deepEqual([...found["t_grad"]!.dims], []);
  assert.ok(Math.abs(found["t_grad"]!.data[0]! - expected) < 1e-5 * Math.abs(expected));
});

Deno.test("With nothing but scalars the error names them", () => {
  const of = (count: number) => {
    const names = Array.from({ length: count }, (_, k) => `s${k}`);
    return makeModel({
      nodes: [makeNode("Sum", ["x", ...names], ["y"])],
      inputs: { x: float(normal(1, [3])) },
      initializers: Object.fromEntries(names.map((name) => [name, scalar(2)])),
      outputs: ["y"],
    });
  };
  const refusal = (count: number, more = {}) => () => differentiate(of(count), { loss, ...more });
  const none = "Cannot differentiate: the model has no trainable float initializer";
  assert.throws(refusal(0), { message: none });
  assert.throws(refusal(2), {
    message: `${none}; scalars are trained only if named, here "s0", "s1"`,
  });
  assert.throws(refusal(7), {
    message:
      `${none}; scalars are trained only if named, here "s0", "s1", "s2", "s3", "s4" and 2 more`,
  });
  assert.throws(refusal(2, { trainable: () => false }), { message: none });
});

Deno.test("Artifacts leave scalars in the graph, and keep those that they list", () => {
  const usual = generateArtifacts(model, { loss });
  const names = (files: { checkpoint: Uint8Array }) =>
    readCheckpoint(files.checkpoint).parameters.map((t) => t.name).sort();
  assert.deepEqual(names(usual), ["b", "w"]);
  const listed = generateArtifacts(model, { loss, trainable: ["w", "t"] });
  assert.deepEqual(names(listed), ["t", "w"]);
  const read = readArtifacts(listed);
  assert.deepEqual(read.trainable, ["w", "t"]);
  const { parameters } = differentiate(read.model, {
    output: read.loss,
    trainable: read.trainable,
  });
  assert.deepEqual(parameters, ["w", "t"]);
});

Deno.test("What is neither names nor a function chooses nothing", () => {
  for (const trainable of [/^w/, "w", null]) {
    assert.throws(
      () => differentiate(model, { loss, trainable: trainable as unknown as Trainable }),
      {
        name: "TypeError",
        message:
          `Cannot choose what is trained: trainable must be a list of names or a function, ` +
          `current value is ${trainable}`,
      },
    );
  }
});
