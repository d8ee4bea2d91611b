// Legal graphs compute what the originals do: on the CPU for every target, and on WebGPU itself.
import assert from "node:assert/strict";
import { makeModel, makeNode, normal } from "../_testing.ts";
import { differentiate } from "../differentiate/differentiate.ts";
import { DataType } from "../model/data_type.ts";
import { OnnxError } from "../model/onnx_error.ts";
import { close, fedAs, hasWebgpu, openOnWebgpu, runOnCpu, type Values } from "./_testing.ts";
import { cases, integers, modelsOf, random } from "./scenarios/cases.ts";
import { legalize } from "./legalize.ts";
import type { Target } from "./target.ts";

const targets: readonly Target[] = ["cpu", "webgpu", "webgl"];

Deno.test("legalize() keeps what every operator computes, in any order with differentiate()", async (t) => {
  for (const test of cases) {
    await t.step(test.name, async () => {
      for (const { what, model, feeds } of modelsOf(test)) {
        const expected = await runOnCpu(model, feeds);
        for (const target of targets) {
          if (test.refused?.includes(target)) {
            assert.throws(() => legalize(model, target), OnnxError);
            continue;
          }
          const { model: legal, inputs } = legalize(model, target);
          // WebGL's series for erf is exact to 1.5e-7, its derivative less.
          const tolerance = target === "webgl" ? 3e-5 : 1e-5;
          const actual = await runOnCpu(legal, fedAs(feeds, inputs));
          close(actual, expected, tolerance, `${what} for ${target}`);
          // What is legal stays legal, and the same.
          const again = legalize(legal, target);
          close(
            await runOnCpu(again.model, fedAs(feeds, inputs)),
            actual,
            1e-6,
            `${what} for ${target} twice`,
          );
        }
      }
    });
  }
});

Deno.test("legalize() before differentiate() gives the same gradients", async (t) => {
  for (const test of cases.filter((c) => c.gradient === true)) {
    await t.step(test.name, async () => {
      const nodes = [...test.nodes, makeNode("ReduceSumSquare", ["y"], ["total"], { keepdims: 0 })];
      const model = makeModel({ ...test, nodes, outputs: ["total"] });
      const options = { output: "total", trainable: ["x"] };
      // A normalization that was written out has no statistics to update.
      const only = ({ x_grad }: Values): Values => ({ x_grad: x_grad! });
      const expected = await runOnCpu(differentiate(model, options).model, test.inputs);
      for (const target of targets.filter((t) => test.refused?.includes(t) !== true)) {
        const first = legalize(model, target);
        const gradient = differentiate(first.model, options);
        const { model: legal, inputs } = legalize(gradient.model, target);
        const feeds = fedAs(test.inputs, new Map([...first.inputs, ...inputs]));
        const actual = await runOnCpu(legal, feeds);
        close(only(actual), only(expected), 1e-4, `gradient for ${target}`);
      }
    });
  }
});

Deno.test({
  name: "Legal graphs of every operator run on WebGPU, no node on the CPU",
  ignore: !await hasWebgpu(),
  // The wasm module keeps its device.
  sanitizeOps: false,
  sanitizeResources: false,
  fn: async (t) => {
    for (const test of cases.filter((c) => c.refused?.includes("webgpu") !== true)) {
      await t.step(test.name, async () => {
        // The last has in it what those before it compute.
        for (const { what, model, feeds } of modelsOf(test).slice(-1)) {
          const { model: legal, inputs } = legalize(model, "webgpu");
          const session = await openOnWebgpu(legal);
          try {
            assert.deepEqual(session.onCpu, [], what);
            const actual = await session.run(fedAs(feeds, inputs));
            close(actual, await runOnCpu(model, feeds), 2e-4, what);
          } finally {
            await session.release();
          }
        }
      });
    }
  },
});

const computesInHalf = async () =>
  (await navigator.gpu?.requestAdapter())?.features.has("shader-f16");

Deno.test({
  name: "MaxPool over more points than float16 counts is differentiated on WebGPU",
  ignore: !await hasWebgpu() || !await computesInHalf(),
  // The wasm module keeps its device.
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    // Ranks go to 2500; float16 has every whole number up to 2048.
    const size = 50;
    const dims = [1, 1, size, size];
    const model = makeModel({
      nodes: [
        makeNode("Cast", ["x"], ["half"], { to: DataType.FLOAT16 }),
        makeNode("MaxPool", ["half"], ["top"], {
          kernel_shape: [size, size],
          strides: [size, size],
        }),
        makeNode("Cast", ["top"], ["y"], { to: DataType.FLOAT }),
        makeNode("ReduceSum", ["y"], ["loss"], { keepdims: 0 }),
      ],
      inputs: { x: { dims, data: [], type: DataType.FLOAT } },
      outputs: ["loss"],
    });
    const gradient = differentiate(model, { output: "loss", trainable: ["x"] }).model;
    const session = await openOnWebgpu(legalize(gradient, "webgpu").model);
    for (const at of [0, 1, 2, 3, 6, 2047, 2048, 2499]) {
      const data = Array.from({ length: size * size }, (_, k) => Number(k === at));
      const { x_grad } = await session.run({ x: { dims, data, type: DataType.FLOAT } });
      assert.deepEqual(x_grad!.data, data, `maximum at ${at}`);
    }
    await session.release();
  },
});

Deno.test("legalize() orders gradients so that ONNX Runtime computes each as soon as it can", () => {
  const nodes = [1, 2, 3].flatMap((k) => [
    makeNode("MatMul", [k === 1 ? "x" : `y${k - 1}`, `w${k}`], [`z${k}`]),
    makeNode("Tanh", [`z${k}`], [`y${k}`]),
  ]);
  const model = makeModel({
    nodes: [...nodes, makeNode("ReduceSum", ["y3"], ["loss"], { keepdims: 0 })],
    inputs: { x: random(1, [4, 3]) },
    initializers: { w1: random(2, [3, 3]), w2: random(3, [3, 3]), w3: random(4, [3, 3]) },
    outputs: ["loss"],
  });
  const gradient = differentiate(model, { output: "loss" }).model;
  const outputs = ["w1_grad", "w2_grad", "w3_grad", "loss"];
  for (const target of targets) {
    const { node } = legalize(gradient, target).model.graph!;
    assert.deepEqual(node.slice(-4).map((n) => n.output[0]), outputs, target);
  }
});

const unknownBatch = () => {
  const nodes = [
    makeNode("Shape", ["x"], ["s"]),
    makeNode("Gather", ["s", "zero"], ["n"]),
    makeNode("Concat", ["n", "rest"], ["target"], { axis: 0 }),
    makeNode("Reshape", ["x", "target"], ["a"]),
    makeNode("Reshape", ["x", "target"], ["b"]),
    makeNode("Add", ["a", "b"], ["sum"]),
    makeNode("Identity", ["sum"], ["copy"]),
    makeNode("Relu", ["copy"], ["y"]),
    makeNode("Exp", ["copy"], ["dead"]),
  ];
  return makeModel({
    nodes,
    inputs: { x: random(1, [3, 4]) },
    symbols: { x: ["N", 4] },
    initializers: { zero: integers([1], [0]), rest: integers([2], [2, 2]) },
    outputs: ["y"],
  });
};

Deno.test("legalize() leaves out repetitions, copies and what no output needs", () => {
  const { model } = legalize(unknownBatch(), "cpu");
  assert.deepEqual(
    model.graph!.node.map((n) => n.opType),
    ["Shape", "Gather", "Concat", "Reshape", "Add", "Relu"],
  );
});

Deno.test("legalize() folds shapes that are known, with sizes for symbols", () => {
  const { model } = legalize(unknownBatch(), "cpu", { sizes: { N: 3 } });
  assert.deepEqual(model.graph!.node.map((n) => n.opType), ["Reshape", "Add", "Relu"]);
  const dims = (type: unknown) =>
    (type as { value: { value: { shape: { dim: { value: { value: bigint } }[] } } } })
      .value.value.shape.dim.map((d) => Number(d.value.value));
  assert.deepEqual(dims(model.graph!.input[0]!.type), [3, 4]);
  assert.deepEqual(dims(model.graph!.output[0]!.type), [3, 2, 2]);
});

Deno.test("legalize() tells which inputs are fed in another type", () => {
  const model = makeModel({
    nodes: [
      makeNode("Gather", ["w", "ids"], ["g"]),
      makeNode("SoftmaxCrossEntropyLoss", ["g", "t"], ["y"]),
    ],
    inputs: { ids: integers([3], [0, 1, 2]), t: integers([3], [1, 1, 0]) },
    initializers: { w: random(1, [3, 4]) },
    outputs: ["y"],
  });
  const { INT64, INT32, FLOAT } = DataType;
  assert.deepEqual([...legalize(model, "cpu").inputs], []);
  // Indices alone WebGPU takes as they are.
  assert.deepEqual([...legalize(model, "webgpu").inputs], [["t", { from: INT64, to: INT32 }]]);
  assert.deepEqual([...legalize(model, "webgl").inputs], [
    ["ids", { from: INT64, to: FLOAT }],
    ["t", { from: INT64, to: FLOAT }],
  ]);
});

Deno.test("legalize() keeps the parameters of a model trainable", () => {
  const model = makeModel({
    nodes: [
      makeNode("Reshape", ["w", "s"], ["v"]),
      makeNode("MatMul", ["x", "v"], ["h"]),
      makeNode("Selu", ["h"], ["y"]),
    ],
    inputs: { x: random(1, [3, 4]) },
    initializers: { w: random(2, [8]), s: integers([2], [4, 2]) },
    outputs: ["y"],
  });
  for (const target of targets) {
    const { model: legal } = legalize(model, target);
    assert.deepEqual(differentiate(legal, { loss: { type: "mse" } }).parameters, ["w"], target);
  }
});

Deno.test("legalize() lists every node that a target does not run", () => {
  const model = makeModel({
    nodes: [makeNode("Det", ["x"], ["d"]), makeNode("NonZero", ["x"], ["n"])],
    inputs: { x: random(1, [3, 3]) },
    outputs: ["d", "n"],
  });
  assert.throws(() => legalize(model, "webgpu"), {
    name: "OnnxError",
    message: 'Cannot legalize for webgpu: 2 nodes do not run there: Det "Det of d" (it has no ' +
      'WebGPU kernel), NonZero "NonZero of n" (it has no WebGPU kernel)',
  });
});

Deno.test("legalize() asks for the sizes that WebGL needs", () => {
  assert.throws(() => legalize(unknownBatch(), "webgl"), /give sizes for N/);
  assert.throws(() => legalize(unknownBatch(), "webgl", { sizes: { N: 1.5 } }), {
    name: "RangeError",
    message: 'Cannot legalize: the size "N" must be a whole number, current value is 1.5',
  });
});

Deno.test("legalize() names what WebGPU has no numbers for", () => {
  const model = makeModel({
    nodes: [makeNode("Relu", ["x"], ["y"])],
    inputs: { x: normal(1, [3]) },
    outputs: ["y"],
  });
  assert.throws(() => legalize(model, "webgpu"), /Relu "Relu of y" \("x" is DOUBLE\)/);
});

Deno.test("legalize() refuses threads that are no number of threads", () => {
  for (const threads of [0, -1, 1.5, NaN]) {
    assert.throws(() => legalize(unknownBatch(), "cpu", { threads }), {
      name: "RangeError",
      message: `Cannot legalize: threads must be a positive integer, current value is ${threads}`,
    });
  }
});

Deno.test("legalize() refuses a target that is none", () => {
  assert.throws(() => legalize(unknownBatch(), "tpu" as Target), {
    name: "RangeError",
    message:
      'Cannot legalize: target must be "cpu", "webgpu" or "webgl", current value is "tpu"; did you mean "cpu"?',
  });
});
