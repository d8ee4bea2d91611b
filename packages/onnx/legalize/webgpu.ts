/** @module */
import { DataType, dataTypeName, isStatic, where } from "../rules/shared/mod.ts";
import type { ModelProto, NodeProto } from "../proto/onnx_pb.ts";
import { padded, taps } from "../rules/convolution/conv_emit.ts";
import { poolWindows } from "../rules/pooling/pool_emit.ts";
import type { NodeContext } from "../graph/rule.ts";
import { coveringPadding } from "../rules/shared/windows.ts";
import { byFormula, placeOfExtreme, reducedNothing } from "./decompose.ts";
import { isDilated, pooledByPoints } from "./pooled_by_points.ts";
import { classLoss } from "./losses.ts";
import { isIndexInput, isShapeInput, narrowedInputs, narrowing } from "./narrow.ts";
import { batchNormTraining } from "./normalizations.ts";
import { oneHotNode } from "./one_hot.ts";
import type { Candidate, Legality } from "./target.ts";

/** Operators with a WebGPU kernel in onnxruntime-web 1.30, as its node placements tell. */
const RUNS = new Set(
  ("Abs Acos Acosh Add And ArgMax ArgMin Asin Asinh Atan Atanh AveragePool BatchNormalization Cast " +
    "Ceil Clip Concat Conv ConvTranspose Cos Cosh CumSum DepthToSpace Div Einsum Elu Equal Erf Exp " +
    "Expand Flatten Floor Gather GatherElements GatherND Gelu Gemm GlobalAveragePool GlobalMaxPool " +
    "Greater GreaterOrEqual HardSigmoid HardSwish Identity InstanceNormalization LSTM " +
    "LayerNormalization LeakyRelu Less LessOrEqual Log LpNormalization MatMul Max MaxPool Min Mish " +
    "Mul Neg Not PRelu Pad Pow RMSNormalization Range Reciprocal ReduceL1 ReduceL2 ReduceLogSum " +
    "ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare Relu Reshape Resize " +
    "ScatterElements ScatterND Shape Sigmoid Sin Sinh Slice Softmax Softplus Split Sqrt Squeeze Sub " +
    "Swish Tan Tanh ThresholdedRelu Tile TopK Transpose Trilu Unsqueeze Where").split(" "),
);

/** Operators that are written by formula. */
const FORMULAS = new Set(
  ("Celu ConstantOfShape GlobalLpPool GroupNormalization Hardmax IsInf IsNaN LogSoftmax LpPool Mean " +
    "MeanVarianceNormalization Mod Or ReduceLogSumExp Round Selu Shrink Sign Size Softsign " +
    "SpaceToDepth Sum Xor").split(" "),
);

/** Operators whose kernel takes no bool: they move int32 instead. */
const NO_BOOL = new Set([
  "Concat",
  "Equal",
  "Identity",
  "Pad",
  "Slice",
  "Split",
  "Squeeze",
  "Tile",
  "Transpose",
  "Trilu",
]);

/** Operators whose kernel takes no int32: they move float32 instead, exact below 2²⁴. */
const NO_INT32 = new Set(["Slice", "Neg", "Abs", "Relu", "TopK"]);

/**
 * What the native WebGPU provider runs: no operator that falls back to the CPU (each costs a copy
 * from the device and back) or fails at run time. It computes with float32, float16, int32 and bool;
 * int64 is taken as indices alone, so that int64 inputs become int32 ones. Shapes stay on the CPU,
 * where they are.
 */
export function webgpu(model: ModelProto): Legality {
  const inputs = narrowedInputs(model);
  const integers = narrowing(DataType.INT32, inputs);

  const rewrite = (n: NodeContext): boolean => {
    const { b, node } = n;
    if (node.domain !== "") return false;
    if (integers.rewrite(n)) return true;
    if (node.output.every((name) => integers.isShape(name))) {
      return node.opType === "Size" && byFormula(n, FORMULAS);
    }
    // Its kernels copy their input then.
    const value = reducedNothing(n) ??
      (node.opType === "AveragePool" ? pooledByPoints(n, false) : undefined);
    if (value !== undefined) {
      b.alias(value, node.output[0]!);
      return true;
    }
    return classLoss(n, integers) || oneHotNode(n, integers) || maxPoolIndices(n) || extremes(n) ||
      moved(n) ||
      (node.opType === "BatchNormalization" && batchNormTraining(n)) || byFormula(n, FORMULAS);
  };

  /** ArgMax as int32. */
  const extremes = (n: NodeContext): boolean => {
    const { b, node } = n;
    if (node.opType !== "ArgMax" && node.opType !== "ArgMin") return false;
    const place = placeOfExtreme(n);
    if (place === undefined) return false;
    b.node("Cast", [place], { to: DataType.INT64 }, { outputs: node.output });
    return true;
  };

  return {
    rewrite,
    retype: (name, type) =>
      inputs.has(name) && type.dataType === DataType.INT64
        ? { ...type, dataType: DataType.INT32 }
        : type,
    refuses: (node, candidate) => refusal(node, candidate, integers.isShape),
  };
}

/** Moves of bool and int32 values by way of a type that can be moved. */
function moved(n: NodeContext): boolean {
  const { b, node } = n;
  const type = n.type(0)?.dataType;
  const by = type === DataType.BOOL && NO_BOOL.has(node.opType)
    ? NO_INT32.has(node.opType) ? DataType.FLOAT : DataType.INT32
    : type === DataType.INT32 && NO_INT32.has(node.opType)
    ? DataType.FLOAT
    : undefined;
  if (by === undefined || (type === DataType.BOOL && node.opType === "Identity")) return false;
  const input = node.input.map((name) =>
    name !== "" && b.type(name)?.dataType === type ? b.op("Cast", [name], { to: by }) : name
  );
  const output = node.output.map((name) => name === "" ? "" : b.fresh(`${name}_moved`));
  b.append({ ...node, input, output });
  node.output.forEach((name, k) => {
    if (name === "") return;
    // Conditions and indices are what they are.
    if (b.type(output[k]!)?.dataType !== by) b.alias(output[k]!, name);
    else b.node("Cast", [output[k]!], { to: type }, { outputs: [name] });
  });
  return true;
}

/**
 * MaxPool's Indices: the first point of each window that equals the maximum, and where it lies in
 * the whole tensor.
 */
function maxPoolIndices(n: NodeContext): boolean {
  const { b, node } = n;
  const indices = node.output[1] ?? "";
  if (node.opType !== "MaxPool" || indices === "") return false;
  const x = n.input(0)!;
  const { begins, ends, ...rest } = poolWindows(n) ?? { begins: undefined, ends: undefined };
  const sizes = b.dims(x).slice(2);
  if (
    begins === undefined || ends === undefined || !("kernel" in rest) || !isStatic(sizes) ||
    n.int("storage_order", 0) !== 0
  ) return false;
  b.append({ ...node, output: [node.output[0]!] });
  const y = node.output[0]!;
  const small = b.dims(y).slice(2);
  const windows = coveringPadding({ ...rest, begins, ends }, sizes, small);
  const [batch, channels] = b.dims(x);
  const area = sizes.reduce((a: number, d: number) => a * d, 1);
  const within = b.constant([...Array(area).keys()], DataType.FLOAT, [1, 1, ...sizes]);
  const lowest = b.dataType(x) === DataType.FLOAT16 ? -65504 : -3.4028234663852886e38;
  const values = taps(b, padded(b, x, windows, lowest), windows, small);
  const places = taps(b, padded(b, within, windows, 0), windows, small);
  // From the last point to the first, so that the first that is equal stays.
  let place = b.constant([0], DataType.FLOAT, []);
  for (let k = values.length - 1; k >= 0; k--) {
    place = where(b, b.op("Equal", [values[k]!, y]), places[k]!, place);
  }
  const int = (v: number, dims: readonly number[] = []) => b.constant([v], DataType.INT32, dims);
  const planes = typeof batch === "number" && typeof channels === "number"
    ? int(batch * channels)
    : b.op("Cast", [
      b.op("ReduceProd", [b.op("Shape", [x], { end: 2 })], { keepdims: 0 }),
    ], { to: DataType.INT32 });
  const starts = b.op("Mul", [b.op("Range", [int(0), planes, int(1)]), int(area)]);
  const lead = typeof channels === "number" ? [-1, channels] : undefined;
  if (lead === undefined) return false;
  const base = b.op("Reshape", [starts, b.ints([...lead, ...sizes.map(() => 1)])]);
  const flat = b.op("Add", [b.op("Cast", [place], { to: DataType.INT32 }), base]);
  b.node("Cast", [flat], { to: DataType.INT64 }, { outputs: [indices] });
  return true;
}

const COMPUTES: ReadonlySet<number> = new Set([
  DataType.FLOAT,
  DataType.FLOAT16,
  DataType.INT32,
  DataType.UINT32,
  DataType.BOOL,
]);

function refusal(
  node: NodeProto,
  { b }: Candidate,
  isShape: (name: string) => boolean,
): string | undefined {
  if (node.output.every((name) => name === "" || isShape(name))) return undefined;
  if (node.domain !== "") return `the operator is of the domain ${node.domain}`;
  if (!RUNS.has(node.opType)) return "it has no WebGPU kernel";
  if (node.opType === "MaxPool" && (node.output[1] ?? "") !== "") {
    return "its Indices need sizes that are known";
  }
  if (node.opType === "AveragePool" && isDilated(node)) {
    return "its kernel knows no dilations, and the sizes are not known";
  }
  if (node.opType === "ConvTranspose" && (b.type(node.input[0]!)?.dims?.length ?? 4) > 4) {
    return "its kernel takes one or two spatial axes";
  }
  if (node.opType === "Shape") return undefined;
  // Constants are folded by ONNX Runtime itself.
  if (node.input.every((name) => name === "" || b.initializers.has(name))) return undefined;
  for (const [k, name] of node.input.entries()) {
    if (name === "" || isShape(name) || isShapeInput(node.opType, k)) continue;
    const type = b.type(name)?.dataType;
    if (type === undefined || COMPUTES.has(type)) continue;
    if (isIndexInput(node.opType, k) && type === DataType.INT64) continue;
    return `"${name}" is ${dataTypeName(type)}`;
  }
  return undefined;
}
