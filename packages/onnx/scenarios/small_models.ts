/**
 * Small models that together hold most operators: what the fuzz tests damage.
 *
 * @module
 */
import { makeModel, makeNode, normal, type Value } from "../_testing.ts";
import { float } from "../model/attributes.ts";
import { DataType } from "../model/data_type.ts";
import { writeModel } from "../model/read_model.ts";
import { create } from "../proto/create.ts";
import { FunctionProto, type ModelProto } from "../proto/onnx_pb.ts";
import { ruleFor } from "../rules/mod.ts";

const int64 = (...data: number[]): Value => ({ dims: [data.length], data, type: DataType.INT64 });

/** An MLP with a loss. */
const mlp = makeModel({
  nodes: [
    makeNode("Gemm", ["x", "w1", "b1"], ["h"], { transB: 1, alpha: float(2) }),
    makeNode("Relu", ["h"], ["r"]),
    makeNode("MatMul", ["r", "w2"], ["y"]),
    makeNode("SoftmaxCrossEntropyLoss", ["y", "labels"], ["loss", "p"], { reduction: "mean" }),
  ],
  inputs: {
    x: normal(1, [2, 4]),
    labels: { dims: [2], data: [0, 1], type: DataType.INT64 },
  },
  initializers: { w1: normal(2, [3, 4]), b1: normal(3, [3]), w2: normal(4, [3, 2]) },
  outputs: ["loss"],
  symbols: { x: ["N", 4], labels: ["N"] },
});

/** Convolution, pooling, normalization. */
const convolutional = makeModel({
  nodes: [
    makeNode("Conv", ["x", "w", "b"], ["c"], { pads: [1, 1, 1, 1], strides: [1, 2], group: 1 }),
    makeNode("BatchNormalization", ["c", "s", "t", "m", "v"], ["n"], { epsilon: float(0.1) }),
    makeNode("MaxPool", ["n"], ["p"], { kernel_shape: [2, 2], strides: [2, 2] }),
    makeNode("AveragePool", ["p"], ["q"], { kernel_shape: [2, 1], pads: [1, 0, 0, 0] }),
    makeNode("Pad", ["q", "pads"], ["e"], { mode: "constant" }),
    makeNode("GlobalAveragePool", ["e"], ["g"]),
    makeNode("Flatten", ["g"], ["f"], { axis: 1 }),
    makeNode("ReduceMean", ["f", "axes"], ["loss"], { keepdims: 0 }),
  ],
  inputs: { x: normal(1, [2, 3, 6, 8]) },
  initializers: {
    w: normal(2, [4, 3, 3, 3]),
    b: normal(3, [4]),
    s: normal(4, [4]),
    t: normal(5, [4]),
    m: normal(6, [4]),
    v: normal(7, [4], (x) => x * x),
    pads: int64(0, 0, 1, 0, 0, 0, 0, 1),
    axes: int64(0, 1),
  },
  outputs: ["loss"],
  symbols: { x: ["N", 3, 6, 8] },
});

/** Attention with shape arithmetic. */
const attention = makeModel({
  nodes: [
    makeNode("LayerNormalization", ["x", "s", "t"], ["n"], { axis: -1 }),
    makeNode("Shape", ["n"], ["shape"]),
    makeNode("Gather", ["shape", "zero"], ["batch"], { axis: 0 }),
    makeNode("Concat", ["batch", "heads"], ["target"], { axis: 0 }),
    makeNode("MatMul", ["n", "w"], ["qkv"]),
    makeNode("Split", ["qkv", "parts"], ["q", "k", "v"], { axis: 2 }),
    makeNode("Reshape", ["q", "target"], ["q4"]),
    makeNode("Reshape", ["k", "target"], ["k4"]),
    makeNode("Reshape", ["v", "target"], ["v4"]),
    makeNode("Transpose", ["q4"], ["qt"], { perm: [0, 2, 1, 3] }),
    makeNode("Einsum", ["qt", "k4"], ["scores"], { equation: "bhqd,bkhd->bhqk" }),
    makeNode("Slice", ["scores", "zero", "three", "one"], ["cut"]),
    makeNode("Softmax", ["cut"], ["a"], { axis: -1 }),
    makeNode("Squeeze", ["a", "one"], ["sq"]),
    makeNode("Unsqueeze", ["sq", "one"], ["un"]),
    makeNode("Expand", ["un", "four"], ["ex"]),
    makeNode("Tile", ["ex", "four"], ["ti"]),
    makeNode("ReduceSum", ["ti"], ["loss"], { keepdims: 0 }),
  ],
  inputs: { x: normal(1, [2, 3, 4]) },
  initializers: {
    s: normal(2, [4]),
    t: normal(3, [4]),
    w: normal(4, [4, 12]),
    zero: int64(0),
    one: int64(1),
    three: int64(3),
    heads: int64(3, 1, 4),
    parts: int64(4, 4, 4),
    four: int64(1, 1, 1, 1),
  },
  outputs: ["loss"],
  symbols: { x: ["N", 3, 4] },
});

/** A function, constants, a body, old operator sets. */
const mixed: ModelProto = makeModel({
  nodes: [
    makeNode("Twice", ["x"], ["t"], {}, "own"),
    makeNode("Constant", [], ["k"], { value_floats: { floats: [1, 2, 3] } }),
    makeNode("Clip", ["t"], ["c"], { min: float(-1), max: float(1) }),
    makeNode("Unsqueeze", ["c"], ["u"], { axes: [0] }),
    makeNode("Squeeze", ["u"], ["d"], { axes: [0] }),
    makeNode("Softmax", ["d"], ["e"], { axis: 1 }),
    makeNode("Mul", ["e", "g"], ["scaled"]),
    makeNode("Pow", ["scaled", "w"], ["p"]),
    makeNode("ReduceSum", ["p"], ["loss"], { axes: [0, 1], keepdims: 0 }),
  ],
  inputs: { x: { ...normal(1, [2, 3]), type: DataType.FLOAT } },
  initializers: {
    w: { ...normal(2, [2, 3]), type: DataType.FLOAT },
    g: { ...normal(3, [3]), type: DataType.FLOAT },
  },
  outputs: ["loss"],
  opset: 9,
});
mixed.functions.push(create(FunctionProto, {
  name: "Twice",
  domain: "own",
  input: ["x"],
  output: ["y"],
  node: [makeNode("Add", ["x", "x"], ["y"])],
  opsetImport: [{ domain: "", version: 9n }],
}));

const single = (seed: number, dims: number[]): Value => ({
  ...normal(seed, dims),
  type: DataType.FLOAT,
});

/** Images: transposed convolution, resizing, norms. */
const spatial = makeModel({
  nodes: [
    makeNode("ConvTranspose", ["x", "w"], ["c"], { strides: [2, 2], output_padding: [1, 0] }),
    makeNode("InstanceNormalization", ["c", "s", "t"], ["n"]),
    makeNode("Resize", ["n", "", "scales"], ["r"], { mode: "linear" }),
    makeNode("SpaceToDepth", ["r"], ["d"], { blocksize: 2 }),
    makeNode("DepthToSpace", ["d"], ["e"], { blocksize: 2, mode: "CRD" }),
    makeNode("LpPool", ["e"], ["p"], { kernel_shape: [3, 3], strides: [2, 2], p: 2 }),
    makeNode("MaxPool", ["p"], ["m"], { kernel_shape: [3, 2], ceil_mode: 1 }),
    makeNode("PRelu", ["m", "slope"], ["a"]),
    makeNode("GlobalMaxPool", ["a"], ["g"]),
    makeNode("ReduceL2", ["g"], ["loss"], { keepdims: 0 }),
  ],
  inputs: { x: single(1, [2, 2, 5, 6]) },
  initializers: {
    w: single(2, [2, 3, 3, 3]),
    s: single(3, [3]),
    t: single(4, [3]),
    slope: single(5, [3, 1, 1]),
    scales: { dims: [4], data: [1, 1, 2, 2], type: DataType.FLOAT },
  },
  outputs: ["loss"],
});

/** Indices and contributed operators. */
const indexed = makeModel({
  nodes: [
    makeNode("Gather", ["table", "ids"], ["e"]),
    makeNode(
      "SkipLayerNormalization",
      ["e", "e", "s", "t"],
      ["n", "", "", "sum"],
      { epsilon: float(0.1) },
      "com.microsoft",
    ),
    makeNode("FusedMatMul", ["n", "n"], ["a"], { transB: 1, alpha: float(0.5) }, "com.microsoft"),
    makeNode("Trilu", ["a"], ["u"], { upper: 0 }),
    makeNode("CumSum", ["u", "one"], ["c"], { reverse: 1 }),
    makeNode("GatherElements", ["c", "places"], ["f"], { axis: 2 }),
    makeNode("ScatterElements", ["f", "places", "f"], ["h"], { axis: 2, reduction: "add" }),
    makeNode("GatherND", ["h", "points"], ["i"], { batch_dims: 1 }),
    makeNode("TopK", ["h", "k"], ["top", "where"], { axis: -1 }),
    makeNode("QuickGelu", ["top"], ["q"], {}, "com.microsoft"),
    makeNode("Max", ["q", "limit"], ["m"]),
    makeNode("ReduceMax", ["m"], ["r"], { keepdims: 0 }),
    makeNode("ReduceLogSumExp", ["i"], ["l"], { keepdims: 0 }),
    makeNode("Where", ["condition", "r", "l"], ["x"]),
    makeNode("Add", ["x", "l"], ["loss"]),
  ],
  inputs: {
    ids: { dims: [2, 3], data: [0, 1, 2, 3, 0, 1], type: DataType.INT64 },
    condition: { dims: [], data: [1], type: DataType.BOOL },
  },
  initializers: {
    table: single(1, [4, 5]),
    s: single(2, [5]),
    t: single(3, [5]),
    limit: single(4, []),
    one: { ...int64(1), dims: [] },
    k: int64(2),
    places: { dims: [2, 3, 3], data: Array.from({ length: 18 }, (_, i) => i % 3), type: 7 },
    points: { dims: [2, 2], data: [0, 1, 2, 0], type: 7 },
  },
  outputs: ["loss"],
  symbols: { ids: ["N", 3] },
});

/** An LSTM, unrolled. */
const recurrent = makeModel({
  nodes: [
    makeNode("LSTM", ["x", "w", "r", "b"], ["", "h"], { hidden_size: 3 }),
    makeNode("ReduceSum", ["h"], ["loss"], { keepdims: 0 }),
  ],
  inputs: { x: single(1, [4, 2, 2]) },
  initializers: { w: single(2, [1, 12, 2]), r: single(3, [1, 12, 3]), b: single(4, [1, 24]) },
  outputs: ["loss"],
});

/** The files. */
export const smallModels: readonly Uint8Array[] = [
  mlp,
  convolutional,
  attention,
  mixed,
  spatial,
  indexed,
  ...(ruleFor("LSTM", "") === undefined ? [] : [recurrent]),
].map((model) => writeModel(model));
