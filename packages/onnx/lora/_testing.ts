/**
 * Small models with layers of every kind, and what is asked of their adapters.
 *
 * @module
 */
import { random } from "@precond/testing";
import { makeModel, makeNode, normal, type Value } from "../_testing.ts";
import { exportInferenceModel } from "../artifacts/export_inference_model.ts";
import { halfBits } from "../model/half.ts";
import { DataType } from "../model/data_type.ts";
import { makeTensor, tensorDims } from "../model/tensor.ts";
import type { ModelProto, NodeProto } from "../proto/onnx_pb.ts";
import { loraAdapters } from "./adapters.ts";

/** A normal float32 value of a shape. */
export const floats = (seed: number, dims: readonly number[]): Value => ({
  ...normal(seed, dims, (x) => Math.fround(0.5 * x)),
  type: DataType.FLOAT,
});

const indices = (dims: readonly number[], data: readonly number[]): Value => ({
  dims,
  data,
  type: DataType.INT64,
});

/** A layer in a model with one input x and one output y. */
export interface LayerCase {
  readonly name: string;
  readonly nodes: readonly NodeProto[];
  readonly x: Value;
  readonly initializers: Readonly<Record<string, Value>>;
  readonly opset?: number;
  /** Of the merged model, relative to the largest. Default 2e-6. */
  readonly tolerance?: number;
}

/** One layer of every kind that takes adapters. */
export const layerCases: readonly LayerCase[] = [
  {
    name: "MatMul",
    nodes: [makeNode("MatMul", ["x", "fc.weight"], ["y"])],
    x: floats(1, [2, 3, 6]),
    initializers: { "fc.weight": floats(2, [6, 5]) },
  },
  {
    name: "MatMul of a vector",
    nodes: [makeNode("MatMul", ["x", "fc.weight"], ["y"])],
    x: floats(1, [6]),
    initializers: { "fc.weight": floats(2, [6, 5]) },
  },
  {
    name: "MatMul of a transposed weight",
    nodes: [
      makeNode("Transpose", ["fc.weight"], ["turned"], { perm: [1, 0] }),
      makeNode("Identity", ["turned"], ["same"]),
      makeNode("MatMul", ["x", "same"], ["y"]),
    ],
    x: floats(1, [2, 3, 6]),
    initializers: { "fc.weight": floats(2, [5, 6]) },
  },
  ...[0, 1].flatMap((transA) =>
    [0, 1].map((transB): LayerCase => ({
      name: `Gemm, transA ${transA}, transB ${transB}`,
      nodes: [
        makeNode("Gemm", ["x", "fc.weight", "fc.bias"], ["y"], {
          transA,
          transB,
          alpha: { float: 0.5 },
          beta: { float: 2 },
        }),
      ],
      x: floats(1, transA === 1 ? [6, 4] : [4, 6]),
      initializers: {
        "fc.weight": floats(2, transB === 1 ? [5, 6] : [6, 5]),
        "fc.bias": floats(3, [5]),
      },
    }))
  ),
  {
    name: "Conv 1×1",
    nodes: [makeNode("Conv", ["x", "c.weight", "c.bias"], ["y"])],
    x: floats(1, [2, 3, 4, 5]),
    initializers: { "c.weight": floats(2, [4, 3, 1, 1]), "c.bias": floats(3, [4]) },
  },
  {
    name: "Conv 3×2, strides, pads and dilations",
    nodes: [
      makeNode("Conv", ["x", "c.weight"], ["y"], {
        kernel_shape: [3, 2],
        strides: [2, 1],
        pads: [1, 0, 2, 1],
        dilations: [1, 2],
      }),
    ],
    x: floats(1, [2, 3, 7, 6]),
    initializers: { "c.weight": floats(2, [4, 3, 3, 2]) },
  },
  {
    name: "Conv of one axis",
    nodes: [makeNode("Conv", ["x", "c.weight"], ["y"], { auto_pad: "SAME_UPPER" })],
    x: floats(1, [2, 3, 7]),
    initializers: { "c.weight": floats(2, [4, 3, 3]) },
  },
  {
    name: "Gather",
    nodes: [makeNode("Gather", ["e.weight", "x"], ["y"])],
    x: indices([2, 3], [0, 6, 1, 1, -1, 3]),
    initializers: { "e.weight": floats(2, [7, 4]) },
  },
  ...([["float16", DataType.FLOAT16, 2 ** -10], ["double", DataType.DOUBLE, 1e-6]] as const).map(
    ([name, type, tolerance]): LayerCase => ({
      name: `MatMul of ${name}`,
      nodes: [
        makeNode("Cast", ["x"], ["other"], { to: type }),
        makeNode("MatMul", ["other", "fc.weight"], ["h"]),
        makeNode("Cast", ["h"], ["y"], { to: DataType.FLOAT }),
      ],
      x: floats(1, [2, 6]),
      initializers: {
        "fc.weight": type === DataType.FLOAT16
          ? { ...normal(2, [6, 5], (x) => halfBits(x / 2)), type }
          : { ...normal(2, [6, 5]), type },
      },
      // float16 has 11 bits, and sums of its products are rounded to them.
      tolerance,
    }),
  ),
  {
    name: "a weight that two nodes use",
    nodes: [
      makeNode("MatMul", ["x", "fc.weight"], ["h"]),
      makeNode("Tanh", ["h"], ["t"]),
      makeNode("MatMul", ["t", "fc.weight"], ["y"]),
    ],
    x: floats(1, [3, 5]),
    initializers: { "fc.weight": floats(2, [5, 5]) },
  },
];

/** The model of a case. */
export function modelOf({ nodes, x, initializers, opset }: LayerCase): ModelProto {
  return makeModel({
    nodes,
    inputs: { x },
    initializers,
    outputs: ["y"],
    ...(opset === undefined ? {} : { opset }),
  });
}

/** The model with other numbers in its adapters, as training leaves them. */
export function trained(model: ModelProto, seed: number): ModelProto {
  const { normal } = random(seed);
  const tensors = new Map(model.graph!.initializer.map((t) => [t.name, t]));
  const values = loraAdapters(model).flatMap(({ a, b }) =>
    [a, b].map((name) => {
      const { dataType } = tensors.get(name)!;
      const dims = tensorDims(tensors.get(name)!);
      const size = dims.reduce((x, y) => x * y, 1);
      const data = Array.from({ length: size }, () => 0.3 * normal());
      const array = dataType === DataType.DOUBLE
        ? Float64Array.from(data)
        : Float32Array.from(data);
      return makeTensor(name, dataType, dims, array);
    })
  );
  return exportInferenceModel(model, values);
}
