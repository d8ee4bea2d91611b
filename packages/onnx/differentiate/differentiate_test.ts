import assert from "node:assert/strict";
import { DataType } from "../model/data_type.ts";
import { OnnxError } from "../model/onnx_error.ts";
import { declaration } from "../model/value_info.ts";
import { create } from "../proto/create.ts";
import {
  AttributeProto,
  GraphProto,
  type ModelProto,
  type NodeProto,
  ValueInfoProto,
} from "../proto/onnx_pb.ts";
import { compare, makeModel, makeNode, normal, runModel, type TestGraph } from "../_testing.ts";
import { differentiate } from "./differentiate.ts";
import type { DifferentiateOptions } from "./growth.ts";

const { BOOL, DOUBLE, INT64 } = DataType;

const sum = (of: string, to = "loss") => makeNode("ReduceSum", [of], [to], { keepdims: 0 });

/** `h = x w₁`, `y = tanh(h) w₂`, `loss = Σ y`; a parameter that nothing reads, and an index. */
function network(extra: Partial<TestGraph> = {}): ModelProto {
  return makeModel({
    nodes: [
      makeNode("MatMul", ["x", "w1"], ["h"]),
      makeNode("Tanh", ["h"], ["a"]),
      makeNode("MatMul", ["a", "w2"], ["y"]),
      sum("y"),
      makeNode("Gather", ["unused", "index"], ["other"]),
    ],
    inputs: { x: normal(1, [2, 3]) },
    initializers: {
      w1: normal(2, [3, 4]),
      unused: normal(3, [2, 3]),
      w2: normal(4, [4, 2]),
      index: { dims: [1], data: [1], type: INT64 },
    },
    outputs: ["y", "loss"],
    ...extra,
  });
}

const x = normal(1, [2, 3]);
const outputNames = (model: ModelProto) => model.graph!.output.map((o) => o.name);
const inputNames = (model: ModelProto) => model.graph!.input.map((i) => i.name);

Deno.test("Gradients are outputs named after their parameters, after the loss and the model's outputs", async () => {
  const result = differentiate(network(), { output: "loss", parameters: "constants" });
  assert.deepEqual(result.parameters, ["w1", "unused", "w2"]);
  assert.equal(result.loss, "loss");
  assert.deepEqual(outputNames(result.model), ["loss", "y", "w1_grad", "unused_grad", "w2_grad"]);
  assert.deepEqual([...result.gradients], [
    ["w1", "w1_grad"],
    ["unused", "unused_grad"],
    ["w2", "w2_grad"],
  ]);
  assert.equal(result.statistics.size, 0);
  const found = await runModel(result.model, { x });
  assert.deepEqual([...found["w1_grad"]!.dims], [3, 4]);
  // ∂loss/∂w₂ = Σ_rows a, in both columns.
  const w1 = normal(2, [3, 4]).data;
  const a = [0, 1].map((r) =>
    [0, 1, 2, 3].map((c) =>
      Math.tanh([0, 1, 2].reduce((s, k) => s + x.data[3 * r + k]! * w1[4 * k + c]!, 0))
    )
  );
  compare(
    found["w2_grad"]!.data,
    [0, 1, 2, 3].flatMap((c) => Array(2).fill(a[0]![c]! + a[1]![c]!)),
    1e-12,
    "gradient of w2",
  );
});

Deno.test("A parameter that the loss does not depend on has gradient 0 in its shape", async () => {
  const { model } = differentiate(network(), { output: "loss", parameters: "constants" });
  const { unused_grad: zero } = await runModel(model, { x });
  assert.deepEqual([...zero!.dims], [2, 3]);
  assert.deepEqual(zero!.data, [0, 0, 0, 0, 0, 0]);
});

Deno.test("The model that was given is not changed", () => {
  const model = network();
  const before = structuredClone(model);
  differentiate(model, { output: "loss", training: true });
  assert.deepEqual(model, before);
});

Deno.test("trainable chooses by name, by predicate, and inputs too", () => {
  const named = (trainable: DifferentiateOptions["trainable"]) =>
    differentiate(network(), { output: "loss", ...(trainable ? { trainable } : {}) }).parameters;
  assert.deepEqual(named(["w2", "x"]), ["w2", "x"]);
  assert.deepEqual(named((name) => name.startsWith("w")), ["w1", "w2"]);
  assert.deepEqual(named((_, tensor) => tensor.dims[0] === 4n), ["w2"]);
});

Deno.test("wanted gives gradients of inputs and activations besides the parameters'", async () => {
  const result = differentiate(network(), {
    parameters: "constants",
    output: "loss",
    trainable: ["w1"],
    wanted: ["x", "a", "w1"],
  });
  assert.deepEqual([...result.gradients.keys()], ["w1", "x", "a"]);
  assert.deepEqual(result.parameters, ["w1"]);
  const found = await runModel(result.model, { x });
  const w2 = normal(4, [4, 2]).data;
  const slopes = [0, 1, 2, 3].map((k) => w2[2 * k]! + w2[2 * k + 1]!);
  compare(found["a_grad"]!.data, [...slopes, ...slopes], 1e-12, "gradient of a");
});

Deno.test("outputs chooses what is kept, and nothing else remains in the graph", () => {
  const { model } = differentiate(network(), {
    parameters: "constants",
    output: "loss",
    trainable: ["w2"],
    outputs: ["h"],
  });
  assert.deepEqual(outputNames(model), ["loss", "h", "w2_grad"]);
  const graph = model.graph!;
  const read = new Set([...graph.node.flatMap((n) => n.input), ...outputNames(model)]);
  for (const node of graph.node) {
    assert.ok(node.output.some((name) => read.has(name)), `${node.opType} has no use`);
  }
  for (const { name } of graph.initializer) assert.ok(read.has(name), `${name} has no use`);
  assert.ok(graph.initializer.every((t) => t.name !== "unused"));
});

Deno.test("No computation is appended twice", () => {
  const { model } = differentiate(
    makeModel({
      nodes: [
        makeNode("LayerNormalization", ["x", "s"], ["n"]),
        makeNode("Softmax", ["n"], ["p"]),
        makeNode("Mul", ["p", "n"], ["q"]),
        makeNode("Tanh", ["q"], ["t"]),
        makeNode("Mul", ["t", "t"], ["y"]),
        sum("y"),
      ],
      inputs: { x },
      initializers: { s: normal(2, [3]) },
      outputs: ["loss"],
    }),
    { output: "loss", wanted: ["x"] },
  );
  const seen = new Set<string>();
  for (const { opType, input, attribute } of model.graph!.node) {
    const text = attribute.map((a) => `${a.name}=${a.i}|${a.f}|${a.s}|${a.ints}|${a.t?.name}`);
    const key = `${opType}(${input})${text}`;
    assert.ok(!seen.has(key), `${key} is computed twice`);
    seen.add(key);
  }
});

Deno.test("Names that are taken are not given again", () => {
  const model = network();
  model.graph!.node.push(makeNode("Identity", ["y"], ["w1_grad"]));
  const result = differentiate(model, {
    output: "loss",
    trainable: ["w1"],
    parameters: "constants",
  });
  assert.equal(result.gradients.get("w1"), "w1_grad_1");
});

Deno.test("A loss of one element may have axes", async () => {
  const model = makeModel({
    nodes: [makeNode("MatMul", ["x", "w"], ["y"])],
    inputs: { x: { dims: [1, 2], data: [3, 4] } },
    initializers: { w: { dims: [2, 1], data: [1, 1] } },
    outputs: ["y"],
  });
  const result = differentiate(model, { output: "y", parameters: "constants" });
  const found = await runModel(result.model, { x: { dims: [1, 2], data: [3, 4] } });
  assert.deepEqual(found["w_grad"]!.data, [3, 4]);
});

Deno.test("The result can be differentiated again", async () => {
  const v = normal(9, [3]);
  const model = makeModel({
    nodes: [
      makeNode("Mul", ["w", "w"], ["square"]),
      makeNode("Mul", ["square", "w"], ["cube"]),
      sum("cube"),
    ],
    initializers: { w: { dims: [3], data: [1, -2, 3] } },
    inputs: { v },
    outputs: ["loss"],
  });
  const { model: first } = differentiate(model, { output: "loss", parameters: "constants" });
  first.graph!.node.push(makeNode("Mul", ["w_grad", "v"], ["along"]), sum("along", "slope"));
  const second = differentiate(first, {
    output: "slope",
    trainable: ["w"],
    outputs: ["w_grad"],
    parameters: "constants",
  });
  const found = await runModel(second.model, { v });
  compare(found["w_grad"]!.data, [3, 12, 27], 1e-12, "3 w²");
  const product = [6, -12, 18].map((h, k) => h * v.data[k]!);
  compare(found[second.gradients.get("w")!]!.data, product, 1e-12, "6 w v");
});

/** A body that gives `then` or `otherwise` of its surroundings. */
function choice(condition: string, then: string, otherwise: string, to: string): NodeProto {
  const node = makeNode("If", [condition], [to]);
  const branch = (name: string, value: string) =>
    create(AttributeProto, {
      name,
      type: 5,
      g: create(GraphProto, {
        name,
        node: [makeNode("Identity", [value], [`${name}_out`])],
        output: [create(ValueInfoProto, { name: `${name}_out` })],
      }),
    });
  node.attribute = [branch("then_branch", then), branch("else_branch", otherwise)];
  return node;
}

const condition = { dims: [], data: [1], type: BOOL };

Deno.test("One error lists every node without a rule on the path, bodies included", () => {
  const unknown = (from: string, to: string) => makeNode("Mystery", [from], [to], {}, "test.ops");
  const model = makeModel({
    nodes: [
      unknown("w", "a"),
      choice("c", "a", "x", "b"),
      unknown("b", "y"),
      unknown("x", "off"),
      sum("y"),
    ],
    inputs: { x: normal(1, [3]), c: condition },
    initializers: { w: normal(2, [3]) },
    outputs: ["loss", "off"],
  });
  assert.throws(
    () => differentiate(model, { output: "loss" }),
    (error) => {
      assert.ok(error instanceof OnnxError);
      assert.equal(
        error.message,
        "Cannot differentiate the graph: no rule for 3 nodes on the path to a trainable " +
          'parameter: test.ops.Mystery "Mystery of a", If "If of b", test.ops.Mystery "Mystery of y"',
      );
      return true;
    },
  );
});

Deno.test("If is allowed off the path to a parameter", async () => {
  const model = makeModel({
    nodes: [choice("c", "x", "x2", "chosen"), makeNode("Mul", ["chosen", "w"], ["y"]), sum("y")],
    inputs: { x: normal(1, [3]), x2: normal(5, [3]), c: condition },
    initializers: { w: normal(2, [3]) },
    outputs: ["loss"],
  });
  // The types of an If are those that the file declares.
  model.graph!.valueInfo.push(declaration("chosen", DOUBLE, [3]));
  const { model: ours } = differentiate(model, { output: "loss", parameters: "constants" });
  for (const [value, name] of [[1, 1], [0, 5]] as const) {
    const feeds = {
      x: normal(1, [3]),
      x2: normal(5, [3]),
      c: { ...condition, data: [value] },
    };
    const found = await runModel(ours, feeds);
    assert.deepEqual(found["w_grad"]!.data, normal(name, [3]).data);
  }
});

Deno.test("What cannot be meant is refused by name", async (t) => {
  const refused: readonly [DifferentiateOptions, RegExp][] = [
    [{}, /TypeError: Cannot differentiate: give either a loss or the name of a scalar output/],
    [{ output: "loss", loss: { type: "mse" } }, /TypeError: Cannot differentiate: give either/],
    [{ output: "none" }, /Cannot differentiate "none": the graph does not make it/],
    [{ output: "y" }, /Cannot differentiate "y": expected a scalar, actual shape is \[2,2\]/],
    [
      { output: "loss", trainable: ["w3"] },
      /Cannot train "w3": the graph has no initializer or in/,
    ],
    [
      { output: "loss", trainable: ["index"] },
      /by "index": expected a float type, actual is INT64/,
    ],
    [{ output: "loss", trainable: () => false }, /the model has no trainable float initializer/],
    [{ output: "loss", wanted: ["none"] }, /Cannot differentiate by "none": the graph has no such/],
    [
      { output: "loss", outputs: ["none"] },
      /Cannot keep output "none": the graph does not make it/,
    ],
  ];
  for (const [options, message] of refused) {
    await t.step(
      String(message),
      () => assert.throws(() => differentiate(network(), options), (e) => message.test(String(e))),
    );
  }
});

Deno.test("Parameters and labels are inputs without a default, unless they are to be constants", () => {
  const options = { loss: { type: "mse", labels: "target" } } as const;
  const { model, values } = differentiate(network(), options);
  assert.deepEqual(inputNames(model), ["x", "target", "w1", "unused", "w2"]);
  const stored = model.graph!.initializer.map((t) => t.name);
  assert.deepEqual(stored.filter((name) => values.has(name)), []);
  assert.deepEqual([...values.keys()], ["w1", "unused", "w2"]);
  assert.deepEqual(
    [...values.values()],
    network().graph!.initializer.filter((t) => values.has(t.name)),
  );
  const constant = differentiate(network(), { ...options, parameters: "constants" });
  assert.deepEqual(inputNames(constant.model), ["x", "target"]);
  assert.deepEqual([...constant.values.keys()], []);
});
