/** @module */
import type { Builder } from "../../graph/builder.ts";
import {
  DataType,
  dataTypeName,
  float,
  isFloating,
  isStatic,
  mul,
  reshape,
  transpose,
} from "../../rules/shared/mod.ts";
import type { ModelProto, NodeProto } from "../../proto/onnx_pb.ts";
import type { NodeContext } from "../../graph/rule.ts";
import {
  byFormula,
  formulas,
  integerQuotient,
  placeOfExtreme,
  reducedNothing,
} from "../decompose.ts";
import { classLoss } from "../losses.ts";
import { isShapeInput, narrowedInputs, narrowing } from "../narrow.ts";
import { batchNormTraining } from "../normalizations.ts";
import { indexing, oneHotNode } from "../one_hot.ts";
import { isDilated } from "../pooled_by_points.ts";
import type { Legality } from "../target.ts";
import { isZero, layerNorm, mask, webglFormulas } from "./formulas.ts";
import { lowered } from "./lower.ts";
import { padOf } from "./pads.ts";
import { poolIndices, pools } from "./pools.ts";

/** Operators with a WebGL kernel in onnxruntime-web 1.30. */
const RUNS = new Set(
  ("Abs Acos Add And Asin Atan AveragePool BatchNormalization Cast Ceil Clip Concat Constant Conv " +
    "ConvTranspose Cos Div Elu Equal Exp Flatten Floor Gather Gemm GlobalAveragePool GlobalMaxPool " +
    "Greater Identity InstanceNormalization LeakyRelu Less Log MatMul MaxPool Mul Neg Not Or PRelu " +
    "Pad Pow ReduceLogSum ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare Relu " +
    "Reshape Sigmoid Sin Slice Softmax Split Sqrt Squeeze Sub Tan Tanh Transpose Unsqueeze Xor")
    .split(" "),
);

/** Operators that are written by the formulas that targets share. */
const FORMULAS = new Set(
  ("Celu ConstantOfShape GlobalLpPool GroupNormalization Hardmax IsInf LogSoftmax LpPool Mean " +
    "MeanVarianceNormalization Mod RMSNormalization ReduceLogSumExp Round Selu Shrink Softsign " +
    "SpaceToDepth Sum").split(" "),
);

/** Operators that move bools, which WebGL moves as floats. */
const MOVES =
  /^(Concat|Equal|Expand|Flatten|Pad|Reshape|Slice|Split|Squeeze|Tile|Transpose|Trilu|Unsqueeze)$/;

/**
 * What the WebGL provider runs: operator set 12 with float32 and bool, every size known. Conditions
 * become masks that are multiplied with, so that infinities in what is not chosen give NaN; Erf
 * becomes a series that is exact to 1.5e−7; integers become float32, exact below 2²⁴.
 */
export function webgl(model: ModelProto): Legality {
  const inputs = narrowedInputs(model, true);
  const integers = narrowing(DataType.FLOAT, inputs);
  const isInteger = (type: DataType) => type === DataType.INT64 || type === DataType.INT32;
  const expanded = new Map<string, string>();
  let dividing = false;

  const rewrite = (n: NodeContext): boolean => {
    const { b, node } = n;
    if (node.domain !== "") return false;
    if (node.opType === "Expand") expanded.set(node.output[0]!, node.input[0]!);
    if (integers.rewrite(n)) return true;
    if (node.output.every((name) => integers.isShape(name))) return false;
    if (classLoss(n, integers) || oneHotNode(n, integers) || indexing(n, integers, expanded)) {
      return true;
    }
    if (poolIndices(n) || bools(n) || casts(n) || layerNorm(n) || pools(n)) return true;
    if (node.opType === "BatchNormalization" && batchNormTraining(n)) return true;
    if (node.opType === "ArgMax" || node.opType === "ArgMin") {
      const place = placeOfExtreme(n);
      if (place !== undefined) {
        integers.mark(node.output[0]!);
        b.alias(place, node.output[0]!);
        return true;
      }
    }
    if (!dividing && dividesIntegers(n)) return true;
    const value = reducedNothing(n) ?? webglFormulas[node.opType]?.(n) ?? forms(n);
    if (value !== undefined) {
      b.alias(value, node.output[0]!);
      return true;
    }
    return byFormula(n, FORMULAS);
  };

  /** Division of integers, which are held as floats: its formula divides floats. */
  const dividesIntegers = (n: NodeContext): boolean => {
    const { b, node } = n;
    if (!/^(Div|Mod)$/.test(node.opType)) return false;
    const [x, y, result] = [...node.input, ...node.output] as [string, string, string];
    if (!integers.has(x) && !integers.has(y)) return false;
    dividing = true;
    try {
      const value = node.opType === "Div" ? integerQuotient(b, x, y) : formulas["Mod"]!(n)!;
      integers.mark(result);
      b.alias(value, result);
      return true;
    } finally {
      dividing = false;
    }
  };

  return {
    rewrite,
    retype: (name, type) =>
      inputs.has(name) && isInteger(type.dataType) ? { ...type, dataType: DataType.FLOAT } : type,
    refuses: (node, { b }) => refusal(node, b),
    finish: lowered,
  };
}

/** Bools move as floats. */
function bools(n: NodeContext): boolean {
  const { b, node, type } = n;
  if (!MOVES.test(node.opType) || type(0)?.dataType !== DataType.BOOL) return false;
  const input = node.input.map((x) =>
    x !== "" && b.type(x)?.dataType === DataType.BOOL ? mask(b, x) : x
  );
  const output = node.output.map((name) => name === "" ? "" : b.fresh(`${name}_moved`));
  b.append({ ...node, input, output });
  node.output.forEach((name, k) => {
    if (name === "") return;
    if (node.opType === "Equal") b.alias(output[k]!, name);
    else {
      const half = b.constant([0.5], DataType.FLOAT, []);
      b.node("Greater", [output[k]!, half], {}, { outputs: [name] });
    }
  });
  return true;
}

/** Its Cast from float to bool is wrong; to an integer it would be, too. */
function casts(n: NodeContext): boolean {
  const { b, node } = n;
  if (node.opType !== "Cast") return false;
  const x = n.input(0)!;
  if (!isFloating(b.type(x)?.dataType)) return false;
  const to = n.int("to", 0);
  if (to === DataType.BOOL) {
    b.node("Not", [b.op("Equal", [x, b.scalar(0, x)])], {}, { outputs: node.output });
    return true;
  }
  if (to !== DataType.FLOAT) return false;
  b.alias(x, node.output[0]!);
  return true;
}

/** Operators that it has in other forms alone. */
function forms(n: NodeContext): string | undefined {
  const { b, node } = n;
  const x = node.input[0]!;
  const dims = n.dims(0);
  switch (node.opType) {
    case "Gemm": {
      if (n.input(2) !== undefined && !isZero(b, n.input(2)!)) return undefined;
      const side = (k: number, name: string) =>
        n.int(name, 0) === 0 ? n.input(k)! : transpose(b, n.input(k)!, [1, 0]);
      return mul(b, b.op("MatMul", [side(0, "transA"), side(1, "transB")]), n.float("alpha", 1));
    }
    case "MatMul": {
      const other = n.dims(1);
      if (!isStatic(dims) || !isStatic(other) || (dims.length > 1 && other.length > 1)) {
        return undefined;
      }
      const left = dims.length === 1 ? reshape(b, x, [1, ...dims]) : x;
      const right = other.length === 1 ? reshape(b, n.input(1)!, [...other, 1]) : n.input(1)!;
      const y = b.op("MatMul", [left, right]);
      const full = b.dims(y);
      const result = full.filter((_, k) =>
        !(dims.length === 1 && k === full.length - 2) &&
        !(other.length === 1 && k === full.length - 1)
      );
      return reshape(b, y, result);
    }
    case "Softmax": {
      if (dims === undefined) return undefined;
      const given = n.int("axis", -1);
      const axis = given < 0 ? given + dims.length : given;
      const last = dims.length - 1;
      if (axis === last) return undefined;
      const perm = dims.map((_, k) => k === axis ? last : k === last ? axis : k);
      return transpose(b, b.op("Softmax", [transpose(b, x, perm)], { axis: last }), perm);
    }
    case "Clip": {
      const bound = (k: number, otherwise: number) => n.input(k) ?? b.scalar(otherwise, x);
      const isConstant = (name: string) => b.initializers.has(name);
      const [low, high] = [bound(1, -3.4028234663852886e38), bound(2, 3.4028234663852886e38)];
      if (!isConstant(low) || !isConstant(high)) {
        return b.op("Min", [b.op("Max", [x, low]), high]);
      }
      return n.input(1) !== undefined && n.input(2) !== undefined
        ? undefined
        : b.op("Clip", [x, low, high]);
    }
    case "InstanceNormalization":
    case "BatchNormalization": {
      // Its kernels take images alone.
      if (!isStatic(dims) || dims.length === 4 || dims.length < 2) return undefined;
      const area = dims.slice(2).reduce((a, d) => a * d, 1);
      const image = reshape(b, x, [dims[0]!, dims[1]!, area, 1]);
      const y = b.op(node.opType, [image, ...node.input.slice(1)], {
        epsilon: float(n.float("epsilon", 1e-5)),
      });
      return reshape(b, y, dims);
    }
    case "Slice":
      return strided(n);
    case "Pad":
      return padOf(n);
    case "Range": {
      const values = node.input.map((name) => b.scalarValue(name));
      const [start, limit, delta] = values;
      if (start === undefined || limit === undefined || delta === undefined) return undefined;
      const length = Math.max(0, Math.ceil((limit - start) / delta));
      return b.constant(
        Array.from({ length }, (_, k) => start + k * delta),
        DataType.FLOAT,
      );
    }
    default:
      return undefined;
  }
}

/** Strides by taking elements at constant places. */
function strided(n: NodeContext): string | undefined {
  const { b } = n;
  const dims = n.dims(0);
  const list = (k: number) => n.input(k) === undefined ? undefined : b.known(n.input(k)!);
  const [starts, ends, axes, steps] = [1, 2, 3, 4].map(list);
  if (!isStatic(dims) || !isStatic(steps) || steps.every((s) => s === 1)) return undefined;
  if (!isStatic(starts) || !isStatic(ends)) return undefined;
  let y = n.input(0)!;
  steps.forEach((step, k) => {
    const given = (axes?.[k] ?? k) as number;
    const axis = given < 0 ? given + dims.length : given;
    const size = dims[axis]!;
    const at = (v: number) => v < 0 ? v + size : v;
    const clamp = (v: number, low: number, high: number) => Math.min(Math.max(v, low), high);
    const places: number[] = [];
    if (step > 0) {
      const end = clamp(at(ends[k]!), 0, size);
      for (let i = clamp(at(starts[k]!), 0, size); i < end; i += step) places.push(i);
    } else {
      const end = clamp(at(ends[k]!), -1, size - 1);
      for (let i = clamp(at(starts[k]!), -1, size - 1); i > end; i += step) places.push(i);
    }
    y = b.op("Gather", [y, b.constant(places, DataType.INT32)], { axis });
  });
  return y;
}

function refusal(node: NodeProto, b: Builder): string | undefined {
  if (node.domain !== "") return `the operator is of the domain ${node.domain}`;
  if (!RUNS.has(node.opType)) return "it has no WebGL kernel";
  if (/Pool$/.test(node.opType) && isDilated(node)) {
    return "its kernel knows no dilations, and the sizes are not known";
  }
  for (const name of node.output) {
    if (name === "") continue;
    const type = b.type(name);
    if (type === undefined || !isStatic(type.dims)) {
      const open = type?.dims?.filter((d) => typeof d === "string") ?? [];
      return open.length === 0
        ? `the shape of "${name}" is not known`
        : `the shape of "${name}" is [${type!.dims}]: give sizes for ${open.join(", ")}`;
    }
    if (type.dims.length > 6) return `"${name}" has ${type.dims.length} axes, textures have six`;
  }
  for (const [k, name] of node.input.entries()) {
    if (name === "") continue;
    if (b.initializers.has(name)) continue;
    if (isShapeInput(node.opType, k)) return `"${name}" is not constant`;
    const type = b.type(name)?.dataType;
    if (type !== DataType.FLOAT && type !== DataType.BOOL) {
      return `"${name}" is ${type === undefined ? "of unknown type" : dataTypeName(type)}`;
    }
  }
  return undefined;
}
