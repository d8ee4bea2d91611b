import assert from "node:assert/strict";
import { differentiate } from "../../differentiate/differentiate.ts";
import { type AttributeValue, float } from "../../model/attributes.ts";
import { DataType } from "../../model/data_type.ts";
import type { ModelProto } from "../../proto/onnx_pb.ts";
import {
  compare,
  makeModel,
  makeNode,
  normal,
  openModel,
  oracleOrt,
  runModel,
  type TestGraph,
  type Value,
} from "../../_testing.ts";
import {
  all,
  build,
  type Built,
  type Case,
  GATES,
  HIDDEN,
  operators,
  type OpType,
} from "./scenarios/cases.ts";

const single = (value: Value): Value => ({ ...value, type: DataType.FLOAT });

/** Nothing but the layer: `names` its inputs in order. */
const layer = (
  opType: OpType,
  graph: Partial<TestGraph>,
  names: readonly string[] = ["x", "w", "r"],
) =>
  makeModel({
    nodes: [
      makeNode(opType, names, ["y"], { hidden_size: 1 }),
      makeNode("ReduceSum", ["y"], ["loss"], { keepdims: 0 }),
    ],
    outputs: ["loss"],
    inputs: { x: normal(1, [3, 2, 2]) },
    initializers: { w: normal(2, [1, GATES[opType], 2]), r: normal(3, [1, GATES[opType], 1]) },
    ...graph,
  });

Deno.test("Recurrent layers refuse what cannot be unrolled", () => {
  const attempt = (model: ModelProto) => () =>
    differentiate(model, { output: "loss", trainable: ["w"] });
  assert.throws(
    attempt(layer("LSTM", { symbols: { x: ["T", "N", 2] } })),
    /Cannot unroll LSTM "LSTM of y": the length of its sequences is not fixed \("T"\): give the time axis of the model's input a size/,
  );
  assert.throws(
    attempt(layer("GRU", { inputs: { x: { dims: [4097, 0, 2], data: [] } } })),
    /Cannot unroll GRU "GRU of y": expected sequences of 1 to 4096 steps, actual length is 4097/,
  );
  assert.throws(
    attempt(layer("RNN", { inputs: { x: normal(1, [3, 2, 4]) } })),
    /Cannot unroll RNN "RNN of y": expected W of shape \[1,1,4\], actual shape is \[1,1,2\]/,
  );
  assert.throws(
    attempt(layer("RNN", { inputs: { x: normal(1, [3, 2]) } })),
    /Cannot read RNN "RNN of y": its input has shape \[3,2\]/,
  );
  const withAttributes = (attributes: Record<string, AttributeValue>) =>
    layer("RNN", {
      nodes: [
        makeNode("RNN", ["x", "w", "r"], ["y"], attributes),
        makeNode("ReduceSum", ["y"], ["loss"], { keepdims: 0 }),
      ],
    });
  assert.throws(
    attempt(withAttributes({ activations: ["Gelu"] })),
    /Cannot unroll RNN "RNN of y": activation "Gelu" is not known/,
  );
  assert.throws(
    attempt(withAttributes({ activations: ["Tanh", "Tanh"] })),
    /Cannot unroll RNN "RNN of y": expected 1 activations, actual number is 2/,
  );
  assert.throws(
    attempt(withAttributes({ activations: ["Affine"], activation_alpha: { floats: [2] } })),
    /Cannot unroll RNN "RNN of y": activation "Affine" is given no activation_beta/,
  );
  assert.throws(
    attempt(withAttributes({ direction: "sideways" })),
    /Cannot read RNN "RNN of y": direction "sideways"/,
  );
  assert.throws(
    attempt(withAttributes({ clip: float(-1) })),
    /Cannot unroll RNN "RNN of y": its clip is -1/,
  );
});

Deno.test("A recurrent layer that is not differentiated stays one node", async () => {
  const nodes = [
    makeNode("LSTM", ["x", "w", "r"], ["features"], { hidden_size: 1 }),
    makeNode("Mul", ["features", "s"], ["scaled"]),
    makeNode("ReduceSum", ["scaled"], ["loss"], { keepdims: 0 }),
  ];
  // Of unknown length: nothing has to be unrolled.
  const model = layer("LSTM", {
    nodes,
    inputs: { x: single(normal(1, [3, 2, 2])) },
    initializers: {
      w: single(normal(2, [1, 4, 2])),
      r: single(normal(3, [1, 4, 1])),
      s: single({ dims: [], data: [2] }),
    },
    symbols: { x: ["T", "N", 2] },
    outputs: ["loss", "features"],
  });
  const { model: grown, gradients } = differentiate(model, { output: "loss", trainable: ["s"] });
  assert.equal(grown.graph!.node.filter((n) => n.opType === "LSTM").length, 1);
  const found = await runModel(grown, {
    x: single(normal(1, [3, 2, 2])),
    s: single({ dims: [], data: [2] }),
  });
  const sum = found["features"]!.data.reduce((a, b) => a + b);
  compare(found[gradients.get("s")!]!.data, [sum], 1e-6, "Σ features");
});

Deno.test("A recurrent layer is unrolled in front of nodes whose results it shares", async () => {
  // The expansion takes W out of its axis too: the two equal nodes are one, which has to move ahead.
  const inputs = { x: normal(1, [3, 2, 2]), w: normal(2, [1, 1, 2]), r: normal(3, [1, 1, 1]) };
  const model = layer("RNN", {
    nodes: [
      makeNode("RNN", ["x", "w", "r"], ["y"], { hidden_size: 1 }),
      makeNode("Squeeze", ["w", "axis"], ["flat"]),
      makeNode("ReduceSum", ["flat"], ["penalty"], { keepdims: 0 }),
      makeNode("ReduceSum", ["y"], ["sum"], { keepdims: 0 }),
      makeNode("Add", ["sum", "penalty"], ["loss"]),
    ],
    inputs,
    initializers: { axis: { dims: [1], data: [0], type: DataType.INT64 } },
  });
  const gradient = async (source: ModelProto) => {
    const found = differentiate(source, { output: "loss", trainable: ["w"] });
    return (await runModel(found.model, inputs))[found.gradients.get("w")!]!.data;
  };
  const alone = await gradient(layer("RNN", { inputs, initializers: {} }));
  compare(await gradient(model), alone.map((g) => g + 1), 1e-12, "gradient");
});

// Its kernels throw for other directions.
Deno.test("Recurrent layers have the gradients of ONNX Runtime's training kernels", async (t) => {
  const oracle = await oracleOrt();
  const both: readonly Case[] = [
    { name: "LSTM", opType: "LSTM", ...all },
    { name: "GRU", opType: "GRU", ...all },
    { name: "GRU with linear_before_reset", opType: "GRU", ...all, linear: true },
  ];
  for (const test of both) await t.step(test.name, () => checkOracle(build(test), oracle));
});

async function checkOracle(
  { settings, graph, weights }: Built,
  oracle: Awaited<ReturnType<typeof oracleOrt>>,
): Promise<void> {
  const { opType } = settings;
  const isLstm = opType === "LSTM";
  const plain = graph(DataType.FLOAT, 0);
  const inputs = plain.inputs!;
  const names = isLstm ? ["x", "w", "r", "b", "", "h0", "c0"] : ["x", "w", "r", "b", "", "h0"];
  const trainable = names.filter((name) => name !== "");
  const attributes = {
    hidden_size: HIDDEN,
    ...(settings.linearBeforeReset ? { linear_before_reset: 1 } : {}),
  };
  const kept = isLstm ? ["Y", "Y_h", "Y_c", "cells", "gates"] : ["Y", "Y_h", "gates"];
  const cotangents = isLstm ? ["R_0", "R_1", "R_2"] : ["R_0", "R_1"];
  // LSTMGrad does not read the bias; an empty name stands for the lengths.
  const given = isLstm
    ? ["x", "w", "r", "", "h0", "c0", "Y", "cells", "gates"]
    : [...names, "Y", "gates"];
  const fed = Object.fromEntries(
    cotangents.map((name, k) => [name, single(weights[k]!)]),
  );
  const kernel = makeModel({
    nodes: [
      makeNode(`${opType}Training`, names, kept, attributes, "com.microsoft"),
      makeNode(
        `${opType}Grad`,
        [...given, ...cotangents],
        trainable.map((name) => `d${name}`),
        attributes,
        "com.microsoft",
      ),
    ],
    inputs: { ...inputs, ...fed },
    outputs: trainable.map((name) => `d${name}`),
  });
  const expected = await runModel(kernel, { ...inputs, ...fed }, oracle);
  const training = makeNode(`${opType}Training`, names, kept, attributes, "com.microsoft");
  // The forward operator of training artifacts is read as the standard one.
  for (const nodes of [plain.nodes, [training, ...plain.nodes.slice(1)]]) {
    const model = makeModel({ ...plain, nodes });
    const { model: grown, gradients } = differentiate(model, { output: "loss", trainable });
    const found = await runModel(grown, inputs);
    for (const name of trainable) {
      const gradient = found[gradients.get(name)!]!.data;
      compare(gradient, expected[`d${name}`]!.data, 1e-5, `gradient of ${name}`);
    }
  }
}

Deno.test("A classifier of token sequences is differentiated from its loss to its embedding", async () => {
  const [vocabulary, time, width, classes] = [5, 4, 2, 3];
  const scale = (x: number) => 0.5 * x;
  const parameters: Record<string, Value> = {
    table: normal(1, [vocabulary, width]),
    w: normal(2, [2, 4 * HIDDEN, width], scale),
    r: normal(3, [2, 4 * HIDDEN, HIDDEN], scale),
    b: normal(4, [2, 8 * HIDDEN], scale),
    head: normal(5, [classes, 2 * HIDDEN]),
    bias: normal(6, [classes]),
  };
  const long = (dims: number[], data: number[]): Value => ({ dims, data, type: DataType.INT64 });
  const ids = long([2, time], [0, 1, 1, 3, 4, 1, 0, 3]);
  const model = makeModel({
    nodes: [
      makeNode("Gather", ["table", "ids"], ["embedded"]),
      makeNode("Transpose", ["embedded"], ["x"], { perm: [1, 0, 2] }),
      makeNode("LSTM", ["x", "w", "r", "b"], ["", "h"], {
        hidden_size: HIDDEN,
        direction: "bidirectional",
      }),
      makeNode("Transpose", ["h"], ["last"], { perm: [1, 0, 2] }),
      makeNode("Flatten", ["last"], ["features"]),
      makeNode("Gemm", ["features", "head", "bias"], ["logits"], { transB: 1 }),
    ],
    inputs: { ids },
    initializers: parameters,
    outputs: ["logits"],
    symbols: { ids: ["N", time] },
    opset: 14,
  });
  const found = differentiate(model, { loss: { type: "crossEntropy" } });
  assert.deepEqual([...found.parameters].sort(), Object.keys(parameters).sort());
  const labels =
    found.model.graph!.input.find((i) => i.name !== "ids" && !found.parameters.includes(i.name))!
      .name;
  const feeds = { ids, [labels]: long([2], [2, 0]), ...parameters };
  const session = await openModel(found.model);
  try {
    const actual = await session.run(feeds);
    for (const [name, value] of Object.entries(parameters)) {
      const expected: number[] = [];
      for (let i = 0; i < value.data.length; i++) {
        const loss = async (delta: number) => {
          const data = value.data.map((x, k) => k === i ? x + delta : x);
          const results = await session.run({ ...feeds, [name]: { ...value, data } });
          return results[found.loss]!.data[0]!;
        };
        const h = 1e-3;
        const near = await loss(h) - await loss(-h);
        const far = await loss(2 * h) - await loss(-2 * h);
        expected.push((8 * near - far) / (12 * h));
      }
      compare(actual[found.gradients.get(name)!]!.data, expected, 1e-6, `gradient of ${name}`);
    }
    // Token 2 does not occur.
    const rows = actual[found.gradients.get("table")!]!.data;
    assert.deepEqual(rows.slice(2 * width, 3 * width), [0, 0]);
  } finally {
    await session.release();
  }
});

Deno.test("Recurrent layers are differentiated in float16", async () => {
  for (const opType of operators) {
    const { graph } = build({ name: opType, opType, ...all });
    const plain = graph(DataType.FLOAT, 0);
    const inputs = plain.inputs!;
    const [node, ...rest] = plain.nodes;
    const trainable = Object.keys(inputs);
    const halves = (names: readonly string[], from: string, to: string, type: DataType) =>
      names.filter((n) => n !== "").map((n) =>
        makeNode("Cast", [`${n}${from}`], [`${n}${to}`], { to: type })
      );
    const half = {
      ...node!,
      input: node!.input.map((n) => n === "" ? "" : `${n}_half`),
      output: node!.output.map((n) => `${n}_half`),
    };
    const nodes = [
      ...halves(node!.input, "", "_half", DataType.FLOAT16),
      half,
      ...halves(node!.output, "_half", "", DataType.FLOAT),
      ...rest,
    ];
    const gradient = async (test: TestGraph) => {
      const found = differentiate(makeModel(test), { output: "loss", trainable });
      const results = await runModel(found.model, inputs);
      return trainable.map((name) => results[found.gradients.get(name)!]!.data);
    };
    const [exact, rounded] = [await gradient(plain), await gradient({ ...plain, nodes })];
    // Half precision has 5e-4, which 4 steps add up.
    trainable.forEach((name, k) => compare(rounded[k]!, exact[k]!, 1e-2, `${opType} ${name}`));
  }
});
