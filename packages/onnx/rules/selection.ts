/** @module */
import type { Dim } from "../graph/dims.ts";
import { axisOf, DataType, mul, reduceSum, sub, unsqueeze, zerosLike } from "./shared/mod.ts";
import type { Infer, OperatorRule } from "../graph/rule.ts";

/**
 * `y = off + (on − off) m` with `m = 1` at the indices: `∂on = Σ ∂y m`, `∂off = Σ ∂y − ∂on`;
 * nothing for the indices.
 */
const oneHot: OperatorRule = {
  opType: "OneHot",
  since: 9,
  infer: (n) => {
    const [values, dims] = [n.type(2), n.dims(0)];
    if (values === undefined) return [];
    if (dims === undefined) return [{ dataType: values.dataType }];
    const axis = axisOf(n, n.int("axis", -1), dims.length + 1);
    const depth = n.b.known(n.input(1)!)?.[0] ?? n.b.freshDim();
    return [{
      dataType: values.dataType,
      dims: [...dims.slice(0, axis), depth, ...dims.slice(axis)],
    }];
  },
  gradient: (n) => {
    const { b } = n;
    const dy = n.cotangent();
    if (!n.wants(2)) return [];
    const marks = b.constant([0, 1], b.dataType(dy), [2]);
    const mask = b.op("OneHot", [n.input(0), n.input(1), marks], { axis: n.int("axis", -1) });
    const on = reduceSum(b, mul(b, dy, mask), undefined, false);
    const off = sub(b, reduceSum(b, dy, undefined, false), on);
    const parts = [off, on].map((x) => unsqueeze(b, x, [0]));
    return [undefined, undefined, b.op("Concat", parts, { axis: 0 })];
  },
};

const argType: Infer = (n) => {
  const dims = n.dims(0);
  const keep = n.int("keepdims", 1) !== 0;
  if (dims === undefined) return [{ dataType: DataType.INT64 }];
  const axis = axisOf(n, n.int("axis", 0), dims.length);
  return [{
    dataType: DataType.INT64,
    dims: dims.flatMap((d, k): Dim[] => k !== axis ? [d] : keep ? [1] : []),
  }];
};

/** Where the largest element is: an index. */
const argMax: OperatorRule = { opType: "ArgMax", since: 7, infer: argType, gradient: "none" };
/** Where the smallest element is: an index. */
const argMin: OperatorRule = { opType: "ArgMin", since: 7, infer: argType, gradient: "none" };

/** The k largest (or smallest) elements of an axis: their gradients go where they were. */
const topK: OperatorRule = {
  opType: "TopK",
  since: 7,
  upgrade: (n) => {
    if (n.opset >= 10) return false;
    const count = n.b.ints([n.int("k", 1)]);
    n.b.node("TopK", [n.input(0), count], { axis: n.int("axis", -1) }, { outputs: n.node.output });
    return true;
  },
  infer: (n) => {
    const type = n.type(0);
    if (type === undefined) return [];
    const { dataType, dims } = type;
    if (dims === undefined) return [{ dataType }, { dataType: DataType.INT64 }];
    const axis = axisOf(n, n.int("axis", -1), dims.length);
    const count = n.b.known(n.input(1)!)?.[0] ?? n.b.freshDim();
    const found = dims.map((d, k) => k === axis ? count : d);
    return [{ dataType, dims: found }, { dataType: DataType.INT64, dims: found }];
  },
  gradient: (n) => {
    const { b } = n;
    const zeros = zerosLike(b, n.input(0)!);
    const attributes = { axis: n.int("axis", -1) };
    return [b.op("ScatterElements", [zeros, n.outputs[1], n.cotangent()], attributes)];
  },
};

/** Elements where a condition holds: taken by their indices. */
const compress: OperatorRule = {
  opType: "Compress",
  since: 9,
  upgrade: (n) => {
    const { b } = n;
    const axis = n.node.attribute.some((a) => a.name === "axis") ? n.int("axis", 0) : undefined;
    const x = axis === undefined ? b.op("Reshape", [n.input(0), b.ints([-1])]) : n.input(0);
    const places = b.op("Squeeze", [b.op("NonZero", [n.input(1)]), b.ints([0])]);
    b.node("Gather", [x, places], { axis: axis ?? 0 }, { outputs: n.node.output });
    return true;
  },
};

/** Choosing elements. */
export const selections: readonly OperatorRule[] = [oneHot, argMax, argMin, topK, compress];
