/**
 * One small graph for every operator with a rule, in float32 and with known sizes: what the
 * table in docs/onnx_operators.md is measured on.
 *
 * @module
 */
import { makeModel, makeNode, normal, type Value } from "../_testing.ts";
import type { AttributeValue } from "../model/attributes.ts";
import { DataType } from "../model/data_type.ts";
import type { ModelProto, NodeProto } from "../proto/onnx_pb.ts";

type Attributes = Readonly<Record<string, AttributeValue>>;
type Values = Readonly<Record<string, Value>>;

/** A graph of one operator. */
export interface OperatorExample {
  readonly opType: string;
  readonly domain?: string;
  /** Names in `inputs` and `constants`; "" where an optional input is left out. */
  readonly reads: readonly string[];
  readonly inputs: Values;
  readonly constants?: Values;
  readonly attributes?: Attributes;
  readonly outputs?: readonly string[];
  readonly opset?: number;
  /** Nodes that make its inputs, and that take its outputs. */
  readonly before?: readonly NodeProto[];
  readonly after?: readonly NodeProto[];
}

const MICROSOFT = "com.microsoft";
const f = (dims: readonly number[], map: (x: number) => number = (x) => x): Value => ({
  ...normal(dims.length + 1, dims, map),
  type: DataType.FLOAT,
});
const i = (dims: readonly number[], data: readonly number[]): Value => ({
  dims,
  data,
  type: DataType.INT64,
});
const bool = (dims: readonly number[], data: readonly number[]): Value => ({
  dims,
  data,
  type: DataType.BOOL,
});
const names = (text: string) => text.split(" ");
const small = [3, 4];
const image = [2, 4, 6, 6];
const kernel = { kernel_shape: [2, 2], strides: [2, 2] };

/** Inputs x, then a, b, c … in order; `constants` follow them. */
function example(
  opType: string,
  inputs: readonly Value[],
  { constants = [], ...rest }:
    & { readonly constants?: readonly Value[] }
    & Partial<Omit<OperatorExample, "constants">> = {},
): OperatorExample {
  const named = (list: readonly Value[], prefix: string): Record<string, Value> =>
    Object.fromEntries(list.map((value, k) => [`${prefix}${k}`, value]));
  const [first, ...others] = inputs;
  const all = { ...(first === undefined ? {} : { x: first }), ...named(others, "a") };
  const stored = named(constants, "k");
  return {
    opType,
    inputs: all,
    constants: stored,
    reads: [...Object.keys(all), ...Object.keys(stored)],
    ...rest,
  };
}

const each = (
  text: string,
  inputs: readonly Value[],
  more: Parameters<typeof example>[2] = {},
) => names(text).map((opType) => example(opType, inputs, more));

const wide = { opset: 24 };
const contributed = { domain: MICROSOFT };
const vector = f([4]);
/** A list of three rows, and one of its tensors. */
const rows = { before: [makeNode("SplitToSequence", ["x"], ["s"])] };
const one = { after: [makeNode("ConcatFromSequence", ["t"], ["y"], { axis: 0 })] };
const heads = [f([2, 2, 3, 4]), f([2, 2, 5, 4]), f([2, 2, 5, 4])];
const labels = i([3], [1, 0, 3]);
/** x, weights, recurrent weights and biases of a recurrent layer with n gates and 4 units. */
const gates = (n: number) => [
  f([5, 2, 3]),
  f([1, 4 * n, 3]),
  f([1, 4 * n, 4]),
  f([1, 8 * n]),
];
const statistics = [vector, vector, vector, f([4], (x) => 0.2 + Math.abs(x))];

/** The graphs, in no particular order. */
export const operatorExamples: readonly OperatorExample[] = [
  ...each(
    "Relu ThresholdedRelu LeakyRelu Elu Selu Celu Sigmoid Tanh HardSigmoid HardSwish Mish Softplus " +
      "Softsign Shrink Identity Neg Abs Exp Erf Sign Floor Ceil Round Sin Cos Tan Sinh Cosh Atan " +
      "Asinh Softmax LogSoftmax Hardmax LpNormalization IsNaN IsInf NonZero Shape Size EyeLike " +
      "ArgMax ArgMin Transpose Flatten Dropout RandomNormalLike RandomUniformLike",
    [f(small)],
  ),
  ...each("Swish Gelu", [f(small)], wide),
  ...each("Sqrt Log Reciprocal", [f(small, (x) => 0.2 + Math.abs(x))]),
  ...each("Asin Acos Atanh", [f(small, (x) => Math.tanh(x) / 2)]),
  example("Acosh", [f(small, (x) => 1.5 + Math.abs(x))]),
  ...each("Add Sub Mul Div PRelu Max Min Sum Mean Equal Greater Less GreaterOrEqual LessOrEqual", [
    f(small),
    vector,
  ]),
  example("Pow", [f(small, (x) => 0.5 + Math.abs(x)), f([4])]),
  example("Mod", [f(small), f([4], (x) => 1 + Math.abs(x))], { attributes: { fmod: 1 } }),
  ...each("And Or Xor", [bool([2], [0, 1]), bool([2], [1, 1])]),
  example("Not", [bool([2], [0, 1])]),
  ...each("BitwiseAnd BitwiseOr BitwiseXor", [i([2], [1, 2]), i([2], [3, 1])]),
  example("BitwiseNot", [i([2], [1, 2])]),
  example("BitShift", [{ dims: [2], data: [1, 2], type: DataType.UINT32 }, {
    dims: [2],
    data: [1, 1],
    type: DataType.UINT32,
  }], { attributes: { direction: "LEFT" } }),
  example("Clip", [f(small)], { constants: [f([], () => -0.5), f([], () => 0.7)] }),
  example("Where", [f(small), f([4])], {
    constants: [bool([4], [1, 0, 1, 0])],
    reads: ["k0", "x", "a0"],
  }),
  example("Cast", [f(small)], { attributes: { to: DataType.FLOAT } }),
  example("CastLike", [f(small), vector]),
  example("MatMul", [f(small), f([4, 2])]),
  example("Gemm", [f(small), f([4, 2]), f([2])]),
  example("Einsum", [f(small), f([4, 2])], { attributes: { equation: "ij,jk->ik" } }),
  ...([["RNN", 1], ["GRU", 3], ["LSTM", 4]] as const).map(([opType, n]) =>
    example(opType, gates(n), { attributes: { hidden_size: 4 } })
  ),
  ...([["GRUTraining", 3, 3], ["LSTMTraining", 4, 5]] as const).map(([opType, n, count]) =>
    example(opType, gates(n), {
      ...contributed,
      attributes: { hidden_size: 4 },
      outputs: Array.from({ length: count }, (_, k) => k === 0 ? "y" : `y${k}`),
    })
  ),
  example("Conv", [f(image), f([3, 4, 3, 3]), f([3])]),
  example("ConvTranspose", [f(image), f([4, 3, 3, 3]), f([3])]),
  ...each("MaxPool AveragePool LpPool", [f(image, (x) => 0.2 + Math.abs(x))], {
    attributes: kernel,
  }),
  ...each("GlobalAveragePool GlobalMaxPool GlobalLpPool", [f(image, (x) => 0.2 + Math.abs(x))]),
  ...each(
    "ReduceSum ReduceMean ReduceSumSquare ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax " +
      "ReduceMin ReduceProd",
    [f(small, (x) => 0.2 + Math.abs(x))],
    { constants: [i([1], [1])], attributes: { keepdims: 0 } },
  ),
  example("Reshape", [f(small)], { constants: [i([2], [2, 6])] }),
  example("Expand", [f([3, 1])], { constants: [i([3], [2, 1, 4])] }),
  example("Tile", [f(small)], { constants: [i([2], [1, 2])] }),
  example("Trilu", [f(small)]),
  ...each("DepthToSpace SpaceToDepth", [f(image)], { attributes: { blocksize: 2 } }),
  example("Squeeze", [f([3, 1, 4])], { constants: [i([1], [1])] }),
  example("Unsqueeze", [f(small)], { constants: [i([1], [1])] }),
  example("Concat", [f(small), f(small)], { attributes: { axis: 1 } }),
  example("Split", [f(small)], { attributes: { axis: 1, num_outputs: 2 }, outputs: ["y", "z"] }),
  example("Slice", [f(small)], { constants: [i([1], [1]), i([1], [3]), i([1], [1])] }),
  example("Pad", [f(small)], { constants: [i([4], [0, 1, 1, 0])] }),
  example("Gather", [f(small)], { constants: [i([2], [2, 0])] }),
  example("GatherElements", [f(small)], { constants: [i([1, 4], [2, 0, 1, 1])] }),
  example("GatherND", [f(small)], { constants: [i([2, 1], [2, 0])] }),
  ...each("ScatterElements Scatter", [f(small), f([1, 4])], {
    constants: [i([1, 4], [2, 0, 1, 1])],
    reads: ["x", "k0", "a0"],
  }).map((e) => e.opType === "Scatter" ? { ...e, opset: 10 } : e),
  example("ScatterND", [f(small), f([2, 4])], {
    constants: [i([2, 1], [2, 0])],
    reads: ["x", "k0", "a0"],
  }),
  example("OneHot", [], {
    inputs: { t: labels, v: f([2]) },
    constants: [i([], [4])],
    reads: ["t", "k0", "v"],
  }),
  example("TopK", [f(small)], { constants: [i([1], [2])], outputs: ["y", "at"] }),
  example("Compress", [f(small)], {
    constants: [bool([3], [1, 0, 1])],
    attributes: { axis: 0 },
  }),
  ...each("Resize", [f(image)], {
    constants: [{ dims: [4], data: [1, 1, 2, 2], type: DataType.FLOAT }],
    reads: ["x", "", "k0"],
    attributes: { mode: "nearest" },
  }),
  example("Upsample", [f(image)], {
    constants: [{ dims: [4], data: [1, 1, 2, 2], type: DataType.FLOAT }],
    opset: 9,
  }),
  example("ConstantOfShape", [], { constants: [i([2], [2, 3])] }),
  example("Range", [], {
    constants: [f([], () => 0), f([], () => 4), f([], () => 1)],
  }),
  example("CumSum", [f(small)], { constants: [i([], [1])] }),
  ...each("SoftmaxCrossEntropyLoss NegativeLogLikelihoodLoss", [f(small), labels]),
  example("SoftmaxCrossEntropyLossInternal", [f(small), labels], {
    ...contributed,
    outputs: ["y", "logs"],
  }),
  example("LayerNormalization", [f(small), vector, vector]),
  example("RMSNormalization", [f(small), vector], wide),
  example("InstanceNormalization", [f(image), vector, vector]),
  example("GroupNormalization", [f(image), vector, vector], {
    attributes: { num_groups: 2 },
    opset: 21,
  }),
  example("MeanVarianceNormalization", [f(image)]),
  example("BatchNormalization", [f(image), ...statistics]),
  example("BatchNormInternal", [f(image), ...statistics], {
    ...contributed,
    attributes: { training_mode: 1 },
    outputs: names("y mean var saved inverse"),
  }),
  example("Attention", heads, wide),
  example("RotaryEmbedding", [f([2, 2, 3, 4])], {
    ...wide,
    constants: [f([2, 3, 2]), f([2, 3, 2])],
  }),
  example("GridSample", [f(image), f([2, 3, 3, 2])], { opset: 20 }),
  example("AffineGrid", [f([2, 2, 3])], { constants: [i([4], [2, 1, 3, 4])], opset: 20 }),
  example("Col2Im", [f([2, 8, 6])], { constants: [i([2], [3, 4]), i([2], [2, 2])] }),
  example("CenterCropPad", [f(small)], { constants: [i([2], [2, 6])] }),
  example("CumProd", [f(small)], { constants: [i([], [1])], opset: 26 }),
  example("DequantizeLinear", [f([], (x) => 0.2 + Math.abs(x))], {
    constants: [{ dims: small, data: new Array(12).fill(3), type: DataType.INT8 }],
    reads: ["k0", "x"],
  }),
  example("QuantizeLinear", [f(small)], { constants: [f([], () => 0.1)] }),
  example("SplitToSequence", [f(small)], { outputs: ["t"], ...one }),
  example("SequenceConstruct", [f(small), f(small)], { outputs: ["t"], ...one }),
  example("SequenceEmpty", [], {
    inputs: { x: f(small) },
    reads: [],
    outputs: ["s"],
    after: [makeNode("SequenceInsert", ["s", "x"], ["t"]), ...one.after],
  }),
  example("SequenceInsert", [f(small), f([1, 4])], {
    reads: ["s", "a0"],
    outputs: ["t"],
    ...rows,
    ...one,
  }),
  example("SequenceErase", [f(small)], { reads: ["s"], outputs: ["t"], ...rows, ...one }),
  example("SequenceAt", [f(small)], {
    constants: [i([], [1])],
    reads: ["s", "k0"],
    ...rows,
  }),
  example("ConcatFromSequence", [f(small)], { reads: ["s"], attributes: { axis: 0 }, ...rows }),
  ...each("Gelu FastGelu QuickGelu", [f(small)], contributed),
  example("BiasGelu", [f(small), vector], contributed),
  example("FusedMatMul", [f(small), f([4, 2])], contributed),
  example("Scale", [f(small), f([])], contributed),
  example("ConcatTraining", [f(small), f(small)], {
    ...contributed,
    attributes: { axis: 1 },
    outputs: ["y", "lengths"],
  }),
  example("MatMulNBits", [f([3, 16])], {
    ...contributed,
    constants: [
      { dims: [2, 1, 8], data: new Array(16).fill(0x4a), type: DataType.UINT8 },
      f([2, 1]),
    ],
    attributes: { K: 16, N: 2, bits: 4, block_size: 16 },
  }),
  example("GatherBlockQuantized", [f([2, 16])], {
    ...contributed,
    reads: ["k0", "k1", "k2"],
    constants: [
      { dims: [3, 8], data: new Array(24).fill(0x4a), type: DataType.UINT8 },
      i([2], [2, 0]),
      f([3, 1]),
    ],
    attributes: { bits: 4, block_size: 16 },
    outputs: ["t"],
    after: [makeNode("Mul", ["t", "x"], ["y"])],
  }),
  example("SimplifiedLayerNormalization", [f(small), vector]),
  example("SkipLayerNormalization", [f([2, 3, 4]), f([2, 3, 4]), vector, vector], contributed),
  example("SkipSimplifiedLayerNormalization", [f([2, 3, 4]), f([2, 3, 4]), vector], contributed),
];

/** The example with its output alone, or with `total`, the sum of that output's squares. */
export function modelOf(example: OperatorExample, total = false): ModelProto {
  const { opType, domain = "", reads, inputs, constants, attributes, opset = 18 } = example;
  const outputs = example.outputs ?? ["y"];
  // Shapes alone are for the host: only as numbers of a graph do they concern a provider.
  const isShape = /^(Shape|Size)$/.test(opType);
  const node = makeNode(opType, reads, isShape ? ["s"] : outputs, attributes, domain);
  const { before = [], after = [] } = example;
  const nodes = isShape
    ? [node, makeNode("Cast", ["s"], ["y"], { to: DataType.FLOAT })]
    : [...before, node, ...after];
  const sum = makeNode("ReduceSumSquare", ["y"], ["total"], { keepdims: 0 });
  return makeModel({
    nodes: total ? [...nodes, sum] : nodes,
    inputs,
    ...(constants === undefined ? {} : { initializers: constants }),
    outputs: total ? ["total"] : ["y"],
    opset,
  });
}
