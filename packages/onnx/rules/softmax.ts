/** @module */
import type { Builder } from "../graph/builder.ts";
import {
  axisOf,
  mul,
  reduceSum,
  reshapeLike,
  sameDims,
  sameType,
  sub,
  transposeLast,
  where,
} from "./shared/mod.ts";
import type { NodeContext, OperatorRule } from "../graph/rule.ts";

/**
 * Before opset 13 all axes from `axis` (default 1) on were taken as one: unless that is the last
 * axis alone, the value is reshaped for the purpose.
 */
function flattened(n: NodeContext): boolean {
  if (n.opset >= 13) return false;
  const { b, node } = n;
  const x = n.input(0)!;
  const dims = n.dims(0);
  const given = n.int("axis", 1);
  if (dims === undefined) {
    if (given < 0) n.refuse("read", `axis ${given} of a value of unknown rank`);
    const flat = b.op(node.opType, [b.op("Flatten", [x], { axis: given })], { axis: -1 });
    b.node("Reshape", [flat, b.op("Shape", [x])], {}, { outputs: node.output });
    return true;
  }
  // An axis past the last is allowed: nothing is left to normalize over.
  const axis = given === dims.length ? given : axisOf(n, given, dims.length);
  if (axis === dims.length - 1) {
    b.node(node.opType, [x], { axis: -1 }, { outputs: node.output });
    return true;
  }
  // Zeros copy the sizes before the axis.
  const rows = b.op("Reshape", [x, b.ints([...dims.slice(0, axis).map(() => 0), -1])]);
  b.alias(reshapeLike(b, b.op(node.opType, [rows], { axis: -1 }), x), node.output[0]!);
  return true;
}

/**
 * A softmax that the graph guards, as exporters write a row that may look at nothing,
 * `Where(IsNaN(y), 0, y)` or with a condition of the mask's: with 0 there, too. Its cotangent is 0
 * there, but 0 · NaN is not.
 */
function guarded(b: Builder, y: string, instead = 0): string {
  const isAsked = (name: string): boolean =>
    b.nodes.some((node) =>
      node.input.includes(name) &&
      (node.opType === "IsNaN" || (node.opType === "Where" && node.input[0] !== name) ||
        (/^(Cast|Identity|Dropout)$/.test(node.opType) && isAsked(node.output[0]!)))
    );
  return isAsked(y) ? where(b, b.op("IsNaN", [y]), b.scalar(instead, y), y) : y;
}

/**
 * `Σ_j y_j ∂y_j` along the last axis, where `z = y v` is all that y is for: `∂y = ∂z vᵀ`, so that it is
 * `Σ_k z_k ∂z_k` along the width of z, which in attention is less than the length.
 */
function sumThroughProduct(b: Builder, y: string, dy: string): string | undefined {
  const made = b.producer(dy);
  const [dz, turned] = made?.opType === "MatMul" ? made.input : [];
  const v = turned === undefined ? undefined : b.producer(turned);
  if (dz === undefined || v?.opType !== "Transpose") return undefined;
  const product = b.nodes.find(({ opType, input }) =>
    opType === "MatMul" && input[0] === y && input[1] === v.input[0]
  );
  const z = product?.output[0];
  if (z === undefined || turned !== transposeLast(b, v.input[0]!)) return undefined;
  const [wide, long] = [b.type(z)?.dims, b.type(y)?.dims];
  if (wide === undefined || long === undefined || !sameDims(wide, b.type(dz)?.dims)) {
    return undefined;
  }
  const [width, length] = [wide.at(-1)!, long.at(-1)!];
  if (typeof width !== "number" || (typeof length === "number" && width > length)) return undefined;
  return reduceSum(b, mul(b, dz, z), [-1], true);
}

/** `y_i = e^{x_i} / Σ_j e^{x_j}`: ∂x = y ⊙ (∂y − Σ (y ⊙ ∂y)). */
const softmax: OperatorRule = {
  opType: "Softmax",
  since: 7,
  upgrade: flattened,
  infer: sameType,
  gradient: (n) => {
    const { b } = n;
    const y = guarded(b, n.outputs[0]!);
    const dy = n.cotangent();
    const axis = n.int("axis", -1);
    const last = axis === -1 || axis + 1 === b.type(y)?.dims?.length;
    const sum = last && y === n.outputs[0] ? sumThroughProduct(b, y, dy) : undefined;
    if (sum !== undefined) return [mul(b, sub(b, dy, sum), y)];
    const each = mul(b, dy, y);
    return [sub(b, each, mul(b, y, reduceSum(b, each, [axis], true)))];
  },
};

/** `y_i = x_i − log Σ_j e^{x_j}`: ∂x = ∂y − e^y Σ ∂y. */
const logSoftmax: OperatorRule = {
  opType: "LogSoftmax",
  since: 7,
  upgrade: flattened,
  infer: sameType,
  gradient: (n) => {
    const { b } = n;
    const dy = n.cotangent();
    const total = reduceSum(b, dy, [n.int("axis", -1)], true);
    return [sub(b, dy, mul(b, b.op("Exp", [guarded(b, n.outputs[0]!, -Infinity)]), total))];
  },
};

/** 1 at the largest: constant almost everywhere. */
const hardmax: OperatorRule = {
  opType: "Hardmax",
  since: 7,
  upgrade: flattened,
  infer: sameType,
  gradient: "none",
};

/** Normalized exponentials. */
export const softmaxes: readonly OperatorRule[] = [softmax, logSoftmax, hardmax];
