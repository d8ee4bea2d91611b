import { differentiate } from "../differentiate/differentiate.ts";
import { DataType } from "../model/data_type.ts";
import type { NodeProto } from "../proto/onnx_pb.ts";
import { compare, makeModel, makeNode, normal, runModel, type Value } from "../_testing.ts";

const { FLOAT, FLOAT16, INT64 } = DataType;
const positive = (x: number) => 0.5 + Math.abs(x);

interface Half {
  readonly name: string;
  readonly dims: readonly number[];
  readonly node: (inputs: readonly string[]) => NodeProto;
  /** Float inputs after the first. */
  readonly vectors?: readonly number[];
  readonly labels?: readonly number[];
  readonly opset?: number;
  readonly training?: boolean;
}

const plain = (opType: string, dims: number[] = [2, 3]): Half => ({
  name: opType,
  dims,
  node: (inputs) => makeNode(opType, inputs, ["y"]),
});

const cases: readonly Half[] = [
  ...[
    "ReduceSum",
    "ReduceMean",
    "ReduceMax",
    "ReduceMin",
    "ReduceProd",
    "ReduceL1",
    "ReduceL2",
    "ReduceLogSum",
    "ReduceLogSumExp",
    "ReduceSumSquare",
    "Softmax",
    "LogSoftmax",
    "LpNormalization",
  ].map((opType) => plain(opType)),
  { ...plain("LayerNormalization"), vectors: [3, 3] },
  { ...plain("RMSNormalization"), vectors: [3], opset: 23 },
  { ...plain("InstanceNormalization", [2, 3, 4]), vectors: [3, 3] },
  {
    name: "GroupNormalization",
    dims: [2, 4, 3],
    node: (inputs) => makeNode("GroupNormalization", inputs, ["y"], { num_groups: 2 }),
    vectors: [4, 4],
    opset: 21,
  },
  { ...plain("BatchNormalization", [2, 3, 4]), vectors: [3, 3, 3, 3] },
  {
    ...plain("BatchNormalization", [2, 3, 4]),
    name: "BatchNormalization in training",
    vectors: [3, 3, 3, 3],
    training: true,
  },
  { ...plain("SoftmaxCrossEntropyLoss"), labels: [0, 2] },
  { ...plain("NegativeLogLikelihoodLoss"), labels: [0, 2] },
  { ...plain("Dropout"), training: true },
];

/** Gradient of `Σ y²` by float32 inputs, the operator's own in a type. */
async function gradientIn(type: DataType, half: Half): Promise<number[]> {
  const { dims, node, vectors = [], labels, opset = 18, training } = half;
  const floats: Record<string, Value> = { x: { ...normal(1, dims, positive), type: FLOAT } };
  vectors.forEach((size, k) =>
    floats[`v${k}`] = { ...normal(k + 2, [size], positive), type: FLOAT }
  );
  const names = Object.keys(floats);
  const inputs: Record<string, Value> = {
    ...floats,
    ...(labels === undefined ? {} : { t: { dims: [labels.length], data: labels, type: INT64 } }),
  };
  const model = makeModel({
    nodes: [
      ...names.map((name) => makeNode("Cast", [name], [`${name}_cast`], { to: type })),
      node([...names.map((name) => `${name}_cast`), ...(labels === undefined ? [] : ["t"])]),
      makeNode("Cast", ["y"], ["wide"], { to: FLOAT }),
      makeNode("Mul", ["wide", "wide"], ["square"]),
      makeNode("ReduceSum", ["square"], ["loss"], { keepdims: 0 }),
    ],
    inputs,
    outputs: ["loss"],
    opset,
  });
  const result = differentiate(model, {
    output: "loss",
    trainable: names.slice(0, training === true && vectors.length > 2 ? 3 : undefined),
    outputs: [],
    ...(training === undefined ? {} : { training }),
  });
  const seeded = result.model.graph!.input.some((i) => i.name === "dropout_seed");
  const found = await runModel(result.model, {
    ...inputs,
    ...(seeded ? { dropout_seed: { dims: [], data: [4], type: FLOAT } } : {}),
  });
  return [...result.gradients.values()].flatMap((name) => found[name]!.data);
}

Deno.test("Gradients in float16 are those in float32, to its precision", async (t) => {
  for (const half of cases) {
    await t.step(half.name, async () => {
      // ε is 1e-3; a dozen operations, some of them with cancellation.
      compare(await gradientIn(FLOAT16, half), await gradientIn(FLOAT, half), 1.5e-2, half.name);
    });
  }
});
