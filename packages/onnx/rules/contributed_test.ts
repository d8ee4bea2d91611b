import assert from "node:assert/strict";
import {
  checkGradients,
  compare,
  currentOrt,
  type GradientCase,
  makeModel,
  makeNode,
  normal,
  oracleOrt,
  runModel,
  type Value,
} from "../_testing.ts";
import { differentiate } from "../differentiate/differentiate.ts";
import { loadGraph } from "../graph/load_graph.ts";
import { type AttributeValue, float } from "../model/attributes.ts";
import { DataType } from "../model/data_type.ts";
import { tensorData, tensorDims } from "../model/tensor.ts";
import type { ModelProto } from "../proto/onnx_pb.ts";
import { ruleFor } from "./mod.ts";

const MICROSOFT = "com.microsoft";
const float32 = (value: Value): Value => ({ ...value, type: DataType.FLOAT });
const labels = (...data: number[]): Value => ({ dims: [data.length], data, type: DataType.INT64 });

interface Contributed {
  readonly name: string;
  readonly op: string;
  readonly domain?: string;
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
  readonly inputs: Readonly<Record<string, Value>>;
  /** Inputs by position, "" where absent. Default: all of `inputs`. */
  readonly order?: readonly string[];
  readonly outputs?: readonly string[];
  /** Stored in the model, not fed. */
  readonly initializers?: Readonly<Record<string, Value>>;
  readonly symbols?: GradientCase["symbols"];
  /** Builds that have the operator. Default: both. */
  readonly builds?: "training";
  /** Outputs that the loss takes. Default: the first. */
  readonly differentiated?: readonly string[];
  readonly fixed?: readonly string[];
}

const x23 = normal(1, [2, 3]);
const x234 = normal(1, [2, 3, 4]);

const cases: readonly Contributed[] = [
  { name: "FusedMatMul", op: "FusedMatMul", inputs: { x: x23, w: normal(2, [3, 4]) } },
  {
    name: "FusedMatMul of transposed matrices",
    op: "FusedMatMul",
    attributes: { transA: 1, transB: 1, alpha: float(0.5) },
    inputs: { x: normal(1, [3, 2]), w: normal(2, [4, 3]) },
  },
  {
    name: "FusedMatMul of batches",
    op: "FusedMatMul",
    attributes: { transB: 1, alpha: float(-2) },
    inputs: { x: normal(1, [5, 2, 3]), w: normal(2, [5, 4, 3]) },
    symbols: { x: ["N", 2, 3], w: ["N", 4, 3] },
  },
  {
    name: "FusedMatMul with its batch inside",
    op: "FusedMatMul",
    attributes: { transBatchA: 1, transBatchB: 1, transA: 1, transB: 1 },
    inputs: { x: normal(1, [3, 5, 2]), w: normal(2, [4, 5, 3]) },
  },
  {
    name: "FusedMatMul of a vector",
    op: "FusedMatMul",
    attributes: { transA: 1, alpha: float(3) },
    inputs: { x: normal(1, [3]), w: normal(2, [3, 4]) },
  },
  {
    name: "SimplifiedLayerNormalization",
    op: "SimplifiedLayerNormalization",
    domain: "",
    attributes: { axis: -1, epsilon: float(0.1) },
    inputs: { x: x234, s: normal(2, [4]) },
    outputs: ["y", "r"],
    differentiated: ["y", "r"],
  },
  {
    name: "SimplifiedLayerNormalization over two axes",
    op: "SimplifiedLayerNormalization",
    domain: "",
    attributes: { axis: 1 },
    inputs: { x: x234, s: normal(2, [3, 4]) },
  },
  {
    name: "SkipLayerNormalization",
    op: "SkipLayerNormalization",
    attributes: { epsilon: float(0.1) },
    inputs: {
      x: x234,
      k: normal(2, [2, 3, 4]),
      s: normal(3, [4]),
      t: normal(4, [4]),
      c: normal(5, [4]),
    },
    outputs: ["y", "", "", "z"],
    differentiated: ["y", "z"],
  },
  {
    name: "SkipLayerNormalization of two inputs, without beta",
    op: "SkipLayerNormalization",
    attributes: { epsilon: float(0.1) },
    inputs: { x: x234, k: normal(2, [2, 3, 4]), s: normal(3, [4]) },
    symbols: { x: ["N", "T", 4], k: ["N", "T", 4] },
  },
  {
    name: "SkipSimplifiedLayerNormalization",
    op: "SkipSimplifiedLayerNormalization",
    attributes: { epsilon: float(0.1) },
    inputs: { x: x234, k: normal(2, [2, 3, 4]), s: normal(3, [4]) },
    outputs: ["y", "", "", "z"],
    differentiated: ["y", "z"],
  },
  {
    name: "ConcatTraining",
    op: "ConcatTraining",
    attributes: { axis: 1 },
    inputs: { x: x23, k: normal(2, [2, 1]) },
    outputs: ["y", "lengths"],
    builds: "training",
  },
  {
    name: "ConcatTraining of unknown sizes",
    op: "ConcatTraining",
    attributes: { axis: -1 },
    inputs: { x: x23, k: normal(2, [2, 1]) },
    outputs: ["y", "lengths"],
    symbols: { x: ["N", "A"], k: ["N", "B"] },
    builds: "training",
  },
  {
    name: "SoftmaxCrossEntropyLossInternal",
    op: "SoftmaxCrossEntropyLossInternal",
    attributes: { reduction: "mean" },
    inputs: { x: x23, t: labels(0, 2) },
    outputs: ["y", "p"],
    differentiated: ["y", "p"],
    builds: "training",
  },
  {
    name: "SoftmaxCrossEntropyLossInternal with weights and an ignored label",
    op: "SoftmaxCrossEntropyLossInternal",
    attributes: { reduction: "sum" },
    inputs: { x: normal(1, [4, 3]), t: labels(0, 2, 1, 2) },
    initializers: {
      w: { dims: [3], data: [0.5, 1, 2] },
      ignored: { dims: [], data: [1], type: DataType.INT64 },
    },
    order: ["x", "t", "w", "ignored"],
    // Its kernel fails without the second output.
    outputs: ["y", "p"],
    builds: "training",
  },
  {
    name: "Scale",
    op: "Scale",
    inputs: { x: x23, s: { dims: [], data: [4] } },
    builds: "training",
  },
  {
    name: "Scale down",
    op: "Scale",
    attributes: { scale_down: 1 },
    inputs: { x: x23, s: { dims: [], data: [4] } },
    builds: "training",
  },
  {
    name: "BatchNormInternal",
    op: "BatchNormInternal",
    attributes: { epsilon: float(0.1), momentum: float(0.75), training_mode: 1 },
    inputs: {
      x: x234,
      s: normal(2, [3]),
      t: normal(3, [3]),
      m: normal(4, [3]),
      v: normal(5, [3], (z) => z * z),
    },
    outputs: ["y", "m_new", "v_new", "saved_m", "saved_r"],
    fixed: ["m", "v"],
    builds: "training",
  },
];

/** The contributed node alone. */
function modelOf(test: Contributed, map: (value: Value) => Value): ModelProto {
  const initializers = test.initializers ?? {};
  const convert = (values: Readonly<Record<string, Value>>) =>
    Object.fromEntries(
      Object.entries(values).map(([k, v]) => [k, v.type === undefined ? map(v) : v]),
    );
  const order = test.order ?? Object.keys(test.inputs);
  const outputs = test.outputs ?? ["y"];
  return makeModel({
    nodes: [makeNode(test.op, order, outputs, test.attributes, test.domain ?? MICROSOFT)],
    inputs: convert(test.inputs),
    initializers: convert(initializers),
    outputs: outputs.filter((name) => name !== ""),
    opset: 17,
    ...(test.symbols === undefined ? {} : { symbols: test.symbols }),
  });
}

const feedsOf = (test: Contributed) =>
  Object.fromEntries(
    Object.entries(test.inputs).map(([k, v]) => [k, v.type === undefined ? float32(v) : v]),
  );

/** The same model after reading: standard operators only. */
function standardOf(model: ModelProto): ModelProto {
  const { b, outputs, inputs } = loadGraph(model, ruleFor);
  const names = outputs.map((o) => o.name);
  assert.ok(b.nodes.every((node) => node.domain === ""), "only standard operators");
  assert.ok(b.nodes.every((node) => !node.opType.startsWith("Simplified")));
  const standard = makeModel({ nodes: b.nodes, outputs: names, opset: b.opset });
  standard.graph!.input = [...inputs];
  standard.graph!.initializer = [...b.initializers.values()];
  return standard;
}

Deno.test("Contributed operators compute the same in standard ones", async (t) => {
  const oracle = await oracleOrt();
  for (const test of cases) {
    await t.step(test.name, async () => {
      const model = modelOf(test, float32);
      const feeds = feedsOf(test);
      const actual = await runModel(standardOf(model), feeds);
      for (const ort of test.builds === undefined ? [currentOrt(), oracle] : [oracle]) {
        const expected = await runModel(model, feeds, ort);
        for (const [name, { dims, data }] of Object.entries(expected)) {
          assert.deepEqual([...actual[name]!.dims], [...dims], `shape of ${name}`);
          compare(actual[name]!.data, data, 2e-6, `${test.name}: ${name}`);
        }
      }
    });
  }
});

Deno.test("Contributed operators have the gradients of what they are rewritten to", async (t) => {
  for (const test of cases) {
    // checkGradients() runs the forward pass in the current build, which lacks the training
    // operators: it gets what they are rewritten to.
    await t.step(test.name, async () => {
      const model = modelOf(test, (value) => ({ ...value, type: DataType.DOUBLE }));
      const { b } = loadGraph(model, ruleFor);
      const initializers = Object.fromEntries(
        [...b.initializers].map(([name, tensor]) => [name, {
          dims: tensorDims(tensor),
          data: Array.from(tensorData(tensor) as ArrayLike<number | bigint>, Number),
          type: tensor.dataType,
        }]),
      );
      await checkGradients({
        name: test.name,
        nodes: b.nodes,
        inputs: test.inputs,
        outputs: test.differentiated ?? ["y"],
        initializers,
        opset: b.opset,
        ...(test.fixed === undefined ? {} : { fixed: test.fixed }),
        ...(test.symbols === undefined ? {} : { symbols: test.symbols }),
      });
    });
  }
});

Deno.test("a cross-entropy whose ignored label is computed is refused", () => {
  const model = makeModel({
    nodes: [
      makeNode(
        "SoftmaxCrossEntropyLossInternal",
        ["x", "t", "", "i"],
        ["y"],
        { reduction: "mean" },
        MICROSOFT,
      ),
    ],
    inputs: { x: x23, t: labels(0, 2), i: { dims: [], data: [1], type: DataType.INT64 } },
    outputs: ["y"],
  });
  assert.throws(
    () => differentiate(model, { output: "y", trainable: ["x"] }),
    /Cannot read SoftmaxCrossEntropyLossInternal ".*": its ignored label "i" is not a constant/,
  );
});
