/**
 * Small graphs of every operator that a target writes out or has in other forms.
 *
 * @module
 */
import { makeModel, makeNode, normal, type Value } from "../../_testing.ts";
import { differentiate } from "../../differentiate/differentiate.ts";
import { hessianVectorProduct } from "../../differentiate/hessian_vector_product.ts";
import { float } from "../../model/attributes.ts";
import { DataType } from "../../model/data_type.ts";
import type { ModelProto, NodeProto } from "../../proto/onnx_pb.ts";
import type { Target } from "../target.ts";

/** Normal numbers in float32. */
export const random = (
  seed: number,
  dims: readonly number[],
  map: (x: number) => number = (x) => x,
): Value => ({
  ...normal(seed, dims, map),
  type: DataType.FLOAT,
});
const positive = (seed: number, dims: readonly number[]) =>
  random(seed, dims, (x) => 0.2 + Math.abs(x));
/** Away from the kinks at whole and half numbers. */
const apart = (seed: number, dims: readonly number[]) =>
  random(seed, dims, (x) => Math.floor(2 * x) / 2 + 0.2);
/** int64 numbers. */
export const integers = (dims: readonly number[], data: readonly number[]): Value => ({
  dims,
  data,
  type: DataType.INT64,
});
const scalar = (value: number): Value => ({ dims: [], data: [value], type: DataType.FLOAT });

/** A graph from "x" (and others) to "y". */
export interface Case {
  readonly name: string;
  readonly nodes: readonly NodeProto[];
  readonly inputs: Readonly<Record<string, Value>>;
  readonly initializers?: Readonly<Record<string, Value>>;
  readonly outputs?: readonly string[];
  readonly opset?: number;
  /** Also checks gradient and Hessian-vector product with respect to "x". */
  readonly gradient?: boolean;
  /** Targets that refuse it. */
  readonly refused?: readonly Target[];
}

const unary = (opType: string, x: Value, attributes = {}, more: Partial<Case> = {}): Case => ({
  name: opType,
  nodes: [makeNode(opType, ["x"], ["y"], attributes)],
  inputs: { x },
  gradient: true,
  ...more,
});
const plain = { gradient: false };
const small = [3, 4];
const images = [2, 4, 6, 6];

const labels = integers([3], [1, 0, 3]);
const loss = (
  opType: string,
  attributes = {},
  weighted = false,
  more: Partial<Case> = {},
): Case => ({
  name: `${opType} ${JSON.stringify(attributes)}${weighted ? " with weights" : ""}`,
  nodes: [makeNode(opType, weighted ? ["x", "t", "w"] : ["x", "t"], ["y"], attributes)],
  inputs: { x: random(1, small), t: labels },
  ...(weighted ? { initializers: { w: positive(2, [4]) } } : {}),
  gradient: true,
  ...more,
});

/** The graphs. */
export const cases: readonly Case[] = [
  ...[
    "Abs",
    "Exp",
    "Neg",
    "Sin",
    "Tanh",
    "Sigmoid",
    "Softplus",
    "Softsign",
    "Selu",
    "Celu",
    "Elu",
    "HardSwish",
    "Mish",
    "Erf",
    "Sign",
    "Shrink",
    "HardSigmoid",
    "LeakyRelu",
  ].map((opType) => unary(opType, apart(1, small))),
  ...["Sqrt", "Log", "Reciprocal"].map((opType) => unary(opType, positive(1, small))),
  unary("Round", apart(1, small), {}, plain),
  {
    ...unary("Round", { dims: [6], data: [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5], type: DataType.FLOAT }),
    ...plain,
    name: "Round of halves",
  },
  unary("IsInf", { dims: [3], data: [1, Infinity, -Infinity], type: DataType.FLOAT }, {}, plain),
  unary("Gelu", random(1, small), {}, { opset: 20 }),
  unary("Gelu", random(1, small), { approximate: "tanh" }, { opset: 20, name: "Gelu by tanh" }),
  unary("Softmax", random(1, [2, 3, 4]), { axis: 1 }),
  unary("LogSoftmax", random(1, small, (x) => 30 * x)),
  unary("LogSoftmax", random(1, [2, 3, 4]), { axis: 1 }, { name: "LogSoftmax along axis 1" }),
  unary("Hardmax", random(1, small), {}, plain),
  unary("ArgMax", random(1, small), { axis: 1 }, plain),
  ...["ReduceLogSumExp", "ReduceL1", "ReduceL2", "ReduceSumSquare", "ReduceMax"].map((opType) =>
    unary(opType, apart(1, small), { keepdims: 0 })
  ),
  {
    ...unary("ReduceLogSumExp", random(1, small, (x) => 60 * x)),
    name: "ReduceLogSumExp of large numbers along an axis",
    nodes: [makeNode("ReduceLogSumExp", ["x", "a"], ["y"], { keepdims: 0 })],
    initializers: { a: integers([1], [1]) },
  },
  ...["Sum", "Mean", "Max", "Min"].map((opType): Case => ({
    name: `${opType} of three`,
    nodes: [makeNode(opType, ["x", "z", "w"], ["y"])],
    inputs: { x: random(1, small), z: random(2, [4]), w: random(3, [3, 1]) },
    gradient: true,
  })),
  ...["ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceSumSquare", "ReduceSum"]
    .flatMap((opType) => {
      const x = opType === "ReduceLogSum" ? positive(1, small) : apart(1, small);
      return [
        unary(opType, x, { noop_with_empty_axes: 1 }, { name: `${opType} over no axes` }),
        {
          ...unary(opType, x),
          name: `${opType} over axes that are an empty list`,
          nodes: [makeNode(opType, ["x", "a"], ["y"], { noop_with_empty_axes: 1, keepdims: 0 })],
          initializers: { a: integers([0], []) },
        },
      ];
    }),
  // Of set 22 WebGPU has no ConvTranspose, which gradients use.
  ...[["LpPool", 18], ["LpPool", 22], ["AveragePool", 19]].flatMap(([opType, opset]) =>
    [
      {},
      { pads: [1, 0, 2, 1], strides: [2, 1] },
      { pads: [1, 1, 1, 1], ceil_mode: 1, strides: [2, 2] },
      ...(opType === "AveragePool" ? [{ pads: [1, 2, 1, 0], count_include_pad: 1 }] : [{ p: 3 }]),
    ].map((more) =>
      unary(`${opType}`, apart(1, [2, 2, 8, 9]), {
        kernel_shape: [3, 3],
        dilations: [2, 3],
        ...more,
      }, {
        opset: Number(opset),
        gradient: Number(opset) < 22,
        name: `${opType} of set ${opset}, ${JSON.stringify(more)}`,
      })
    )
  ),
  ...["Mod", "Div"].flatMap((opType) =>
    [0, 1].slice(0, opType === "Mod" ? 2 : 1).map((fmod): Case => ({
      name: `${opType} of integers${fmod === 1 ? ", with the dividend's sign" : ""}`,
      nodes: [
        makeNode(opType, ["a", "m"], ["i"], fmod === 1 ? { fmod } : {}),
        makeNode("Cast", ["i"], ["f"], { to: DataType.FLOAT }),
        makeNode("Div", ["f", "x"], ["y"]),
      ],
      inputs: {
        x: { dims: [], data: [2], type: DataType.FLOAT },
        a: integers([10], [-7, 7, -7, 7, -6, 6, 9999991, -9999990, 0, 3000001]),
        m: integers([10], [2, -2, -2, 2, 3, 3, 3, 10, -5, 1000000]),
      },
    }))
  ),
  {
    name: "Mod of floats",
    nodes: [makeNode("Mod", ["x", "z"], ["y"], { fmod: 1 })],
    inputs: { x: random(1, small, (x) => 3 * x), z: positive(2, small) },
  },
  {
    name: "Where",
    nodes: [makeNode("Greater", ["x", "z"], ["c"]), makeNode("Where", ["c", "x", "w"], ["y"])],
    inputs: { x: random(1, small), z: random(2, [4]), w: random(3, [3, 1]) },
    gradient: true,
  },
  ...["Or", "Xor"].map((opType): Case => ({
    name: opType,
    nodes: [
      makeNode("Greater", ["x", "z"], ["p"]),
      makeNode("Less", ["x", "w"], ["q"]),
      makeNode(opType, ["p", "q"], ["r"]),
      makeNode("Cast", ["r"], ["y"], { to: DataType.FLOAT }),
    ],
    inputs: { x: random(1, small), z: random(2, [4]), w: random(3, [4]) },
  })),
  {
    name: "Bools that are moved",
    nodes: [
      makeNode("Greater", ["x", "z"], ["p"]),
      makeNode("Transpose", ["p"], ["q"]),
      makeNode("Concat", ["q", "q"], ["r"], { axis: 0 }),
      makeNode("Cast", ["r"], ["y"], { to: DataType.FLOAT }),
    ],
    inputs: { x: random(1, small), z: random(2, [4]) },
  },
  loss("SoftmaxCrossEntropyLoss"),
  loss("SoftmaxCrossEntropyLoss", { reduction: "sum" }),
  loss("SoftmaxCrossEntropyLoss", { reduction: "none" }),
  loss("SoftmaxCrossEntropyLoss", { ignore_index: 0 }, true),
  loss("SoftmaxCrossEntropyLoss", {}, true),
  loss("NegativeLogLikelihoodLoss", { ignore_index: 3 }, true),
  {
    ...loss("SoftmaxCrossEntropyLoss"),
    name: "SoftmaxCrossEntropyLoss over points, with log-probabilities",
    nodes: [
      makeNode("SoftmaxCrossEntropyLoss", ["x", "t"], ["y", "l"], { ignore_index: -100 }),
    ],
    inputs: { x: random(1, [2, 3, 2]), t: integers([2, 2], [1, 0, 2, -100]) },
    outputs: ["y", "l"],
  },
  {
    name: "OneHot",
    nodes: [makeNode("OneHot", ["t", "n", "v"], ["y"], { axis: 0 })],
    inputs: { t: integers([3], [1, -1, 2]) },
    initializers: { n: integers([], [4]), v: { dims: [2], data: [-1, 2], type: DataType.FLOAT } },
  },
  {
    name: "Gather of rows that are inputs",
    nodes: [makeNode("Gather", ["x", "t"], ["y"])],
    inputs: { x: random(1, [5, 3]), t: integers([2, 2], [4, 0, 4, 1]) },
    gradient: true,
  },
  {
    name: "Gather along axis 1",
    nodes: [makeNode("Gather", ["x", "t"], ["y"], { axis: 1 })],
    inputs: { x: random(1, small), t: integers([2], [-1, 0]) },
    gradient: true,
  },
  {
    name: "Gather of elements of a vector",
    nodes: [makeNode("Gather", ["x", "t"], ["y"])],
    inputs: { x: random(1, [5]), t: integers([3], [4, 0, 4]) },
    gradient: true,
  },
  ...["mul", "max"].map((reduction): Case => ({
    name: `ScatterElements, ${reduction}`,
    nodes: [makeNode("ScatterElements", ["x", "t", "x"], ["y"], { reduction })],
    inputs: { x: random(1, [3, 2]), t: integers([3, 2], [0, 1, -3, 1, 2, 1]) },
    gradient: true,
    refused: ["webgl"],
  })),
  {
    name: "Expand, Tile, CumSum, Trilu",
    nodes: [
      makeNode("Expand", ["x", "s"], ["e"]),
      makeNode("Tile", ["e", "r"], ["t"]),
      makeNode("CumSum", ["t", "a"], ["c"], { reverse: 1 }),
      makeNode("Trilu", ["c"], ["y"], { upper: 0 }),
    ],
    inputs: { x: random(1, [3, 1]) },
    initializers: {
      s: integers([3], [2, 1, 4]),
      r: integers([3], [1, 2, 1]),
      a: integers([], [1]),
    },
    gradient: true,
  },
  {
    name: "Slice with strides",
    nodes: [makeNode("Slice", ["x", "s", "e", "a", "d"], ["y"])],
    inputs: { x: random(1, images) },
    initializers: {
      s: integers([2], [1, -1]),
      e: integers([2], [100, -100]),
      a: integers([2], [2, 3]),
      d: integers([2], [2, -2]),
    },
    gradient: true,
  },
  {
    name: "Gemm without C",
    nodes: [makeNode("Gemm", ["x", "w"], ["y"], { transA: 1, alpha: float(0.5) })],
    inputs: { x: random(1, [4, 3]), w: random(2, [4, 2]) },
    gradient: true,
  },
  {
    name: "MatMul with a vector",
    nodes: [makeNode("MatMul", ["x", "w"], ["y"])],
    inputs: { x: random(1, small), w: random(2, [4]) },
    gradient: true,
  },
  {
    name: "LayerNormalization",
    nodes: [makeNode("LayerNormalization", ["x", "s", "c"], ["y"])],
    inputs: { x: random(1, small), s: random(2, [4]), c: random(3, [4]) },
    gradient: true,
  },
  {
    name: "GroupNormalization",
    nodes: [makeNode("GroupNormalization", ["x", "s", "c"], ["y"], { num_groups: 2 })],
    inputs: { x: random(1, images), s: random(2, [4]), c: random(3, [4]) },
    opset: 21,
  },
  {
    name: "BatchNormalization of vectors",
    nodes: [makeNode("BatchNormalization", ["x", "s", "c", "m", "v"], ["y"])],
    inputs: {
      x: random(1, small),
      s: random(2, [4]),
      c: random(3, [4]),
      m: random(4, [4]),
      v: positive(5, [4]),
    },
    gradient: true,
  },
  {
    name: "BatchNormalization in training",
    nodes: [
      makeNode("BatchNormalization", ["x", "s", "c", "m", "v"], ["n", "rm", "rv"], {
        training_mode: 1,
      }),
      // The squares of what is whitened hardly depend on x.
      makeNode("Tanh", ["n"], ["y"]),
    ],
    inputs: {
      x: random(1, images),
      s: random(2, [4]),
      c: random(3, [4]),
      m: random(4, [4]),
      v: positive(5, [4]),
    },
    outputs: ["y", "rm", "rv"],
    gradient: true,
  },
  ...[[2, 2], [3, 1]].map(([kernel, stride]): Case => ({
    ...unary("MaxPool", random(1, images), {
      kernel_shape: [kernel!, kernel!],
      strides: [stride!, stride!],
    }),
    name: `MaxPool of ${kernel} at ${stride}`,
  })),
  {
    ...unary("MaxPool", random(1, images)),
    name: "MaxPool with padding and ceil_mode",
    nodes: [
      makeNode("MaxPool", ["x"], ["y"], {
        kernel_shape: [3, 3],
        strides: [2, 2],
        pads: [1, 1, 0, 0],
        ceil_mode: 1,
      }),
    ],
  },
  {
    ...unary("MaxPool", random(1, images), {}, plain),
    name: "MaxPool with Indices",
    nodes: [
      makeNode("MaxPool", ["x"], ["y", "i"], { kernel_shape: [3, 3], strides: [2, 2] }),
    ],
    outputs: ["y", "i"],
    refused: ["webgl"],
  },
  unary("LpPool", positive(1, images), { kernel_shape: [2, 2] }),
  unary("GlobalLpPool", positive(1, images), {}, plain),
  unary("SpaceToDepth", random(1, images), { blocksize: 2 }, plain),
  {
    name: "Conv over one axis",
    nodes: [makeNode("Conv", ["x", "w"], ["y"], { pads: [1, 1], strides: [2] })],
    inputs: { x: random(1, [2, 3, 7]), w: random(2, [4, 3, 3]) },
    gradient: true,
  },
  {
    name: "Conv",
    nodes: [makeNode("Conv", ["x", "w"], ["y"], { pads: [1, 1, 1, 1], strides: [2, 2] })],
    inputs: { x: random(1, images), w: random(2, [3, 4, 3, 3]) },
    gradient: true,
  },
  {
    name: "Clip with bounds from the graph",
    nodes: [makeNode("Clip", ["x", "l", "h"], ["y"])],
    inputs: { x: random(1, small), l: scalar(-0.5), h: scalar(0.7) },
  },
  ...["reflect", "edge", "wrap"].map((mode): Case => ({
    name: `Pad, mode ${mode}`,
    nodes: [makeNode("Pad", ["x", "p"], ["y"], { mode })],
    inputs: { x: random(1, [2, 3, 4]) },
    initializers: { p: integers([6], [0, 2, 1, 0, 1, 3]) },
    opset: 19,
    gradient: true,
  })),
  {
    name: "NonZero",
    nodes: [makeNode("NonZero", ["x"], ["n"]), makeNode("Cast", ["n"], ["y"], { to: 1 })],
    inputs: { x: random(1, small) },
    refused: ["webgpu", "webgl"],
  },
];

/** What is run of a case. */
export interface CaseModel {
  readonly what: string;
  readonly model: ModelProto;
  readonly feeds: Readonly<Record<string, Value>>;
}

/** The case, and its gradient and Hessian-vector product by the sum of squares of what is float. */
export function modelsOf(test: Case): CaseModel[] {
  const outputs = test.outputs ?? ["y"];
  const base = {
    nodes: test.nodes,
    inputs: test.inputs,
    ...(test.initializers === undefined ? {} : { initializers: test.initializers }),
    ...(test.opset === undefined ? {} : { opset: test.opset }),
  };
  const forward = makeModel({ ...base, outputs });
  const found: CaseModel[] = [{ what: "forward", model: forward, feeds: test.inputs }];
  if (test.gradient !== true) return found;
  const model = makeModel({
    ...base,
    nodes: [...test.nodes, makeNode("ReduceSumSquare", ["y"], ["total"], { keepdims: 0 })],
    outputs: ["total"],
  });
  const options = { output: "total", trainable: ["x"] };
  const { model: gradient } = differentiate(model, options);
  found.push({ what: "gradient", model: gradient, feeds: test.inputs });
  const product = hessianVectorProduct(model, options);
  found.push({
    what: "Hessian-vector product",
    model: product.model,
    feeds: {
      ...test.inputs,
      [product.vectors.get("x")!]: random(99, test.inputs["x"]!.dims),
    },
  });
  return found;
}
