/** @module */
import { type Builder } from "../graph/builder.ts";
import {
  add,
  div,
  mul,
  neg,
  powerOf,
  reduceSum,
  rootOf,
  signOf,
  sub,
  where,
} from "../graph/emit.ts";
import { float, tensorAttribute } from "../model/attributes.ts";
import { DataType, isFloating } from "../model/data_type.ts";
import { tensorData } from "../model/tensor.ts";
import type { NodeContext } from "../graph/rule.ts";
import { knownAxes } from "../graph/known_axes.ts";
import { isDilated, pooledByPoints } from "./pooled_by_points.ts";
import type { Formula } from "./formula.ts";
import { groupNorm, meanVariance, rmsNorm } from "./normalizations.ts";

const x0 = (n: NodeContext) => n.input(0)!;

/**
 * `m = ⌊max x⌋` along axes: what exponentials are shifted by. Any shift gives the same value, and
 * Floor has no gradient, so that none is sent through the maximum, where it would cancel.
 */
export function shiftOf(b: Builder, x: string, axes: readonly number[]): string {
  return b.op("Floor", [b.op("ReduceMax", [x, b.ints(axes)], { keepdims: 1 })]);
}

/** `log softmax x = s − log Σ eˢ`, `s = x − m`. */
export function logSoftmaxOf(b: Builder, x: string, axis: number): string {
  const s = sub(b, x, shiftOf(b, x, [axis]));
  return sub(b, s, b.op("Log", [reduceSum(b, b.op("Exp", [s]), [axis], true)]));
}

const logSoftmax: Formula = (n) => logSoftmaxOf(n.b, x0(n), n.int("axis", -1));

/**
 * A reduction over no axes (noop_with_empty_axes): its function of each element. Undefined where there
 * are axes, or where they are not known.
 */
export const reducedNothing: Formula = (n) => {
  const { b, node } = n;
  if (!node.opType.startsWith("Reduce") || n.int("noop_with_empty_axes", 0) === 0) return undefined;
  if (knownAxes(n)?.length !== 0) return undefined;
  const x = x0(n);
  switch (node.opType) {
    case "ReduceL1":
    case "ReduceL2":
      return b.op("Abs", [x]);
    case "ReduceSumSquare":
      return mul(b, x, x);
    case "ReduceLogSum":
      return b.op("Log", [x]);
    default:
      return x;
  }
};

const logSumExp: Formula = (n) => {
  const { b } = n;
  const axes = knownAxes(n);
  if (axes === undefined) return undefined;
  const m = shiftOf(b, x0(n), axes);
  const y = add(b, m, b.op("Log", [reduceSum(b, b.op("Exp", [sub(b, x0(n), m)]), axes, true)]));
  return n.int("keepdims", 1) !== 0 ? y : b.op("Squeeze", [y, b.ints(axes)]);
};

/** `⌊x⌋`, plus one where the rest is above a half, or is a half and `⌊x⌋` is odd. */
const round: Formula = (n) => {
  const { b } = n;
  const x = x0(n);
  const whole = b.op("Floor", [x]);
  const rest = sub(b, x, whole);
  const half = b.scalar(0.5, x);
  const odd = sub(b, whole, mul(b, b.op("Floor", [mul(b, whole, 0.5)]), 2));
  const tie = b.op("Equal", [rest, half]);
  const up = b.op("Cast", [b.op("Greater", [rest, half])], { to: b.dataType(x) });
  return add(b, whole, where(b, tie, odd, up));
};

/**
 * `x − q y`, q = x/y towards zero (fmod) or downwards. Of integers that a target holds as floats the
 * quotient may be off by one where its division rounds: the remainder tells.
 */
const modulo: Formula = (n) => {
  const { b } = n;
  const [x, y] = [x0(n), n.input(1)!];
  const truncated = n.int("fmod", 0) !== 0;
  if (isFloating(b.dataType(x))) {
    if (!truncated) return flooredRemainder(b, x, y);
    return sub(b, x, b.op("Mul", [towardsZero(b, b.op("Div", [x, y])), y]));
  }
  const rest = b.op("Sub", [x, b.op("Mul", [b.op("Div", [x, y]), y])]);
  if (truncated) return rest;
  const zero = b.scalar(0, x);
  const wrong = b.op("Less", [b.op("Mul", [rest, y]), zero]);
  return b.op("Add", [rest, b.op("Where", [wrong, y, zero])]);
};

const towardsZero = (b: Builder, q: string) =>
  where(b, b.op("Less", [q, b.scalar(0, q)]), b.op("Ceil", [q]), b.op("Floor", [q]));

/** `x − ⌊x/y⌋ y` of whole numbers. */
function flooredRemainder(b: Builder, x: string, y: string): string {
  const zero = b.scalar(0, x);
  const near = sub(b, x, b.op("Mul", [b.op("Floor", [b.op("Div", [x, y])]), y]));
  const below = b.op("Less", [b.op("Mul", [near, y]), zero]);
  const raised = b.op("Add", [near, b.op("Where", [below, y, zero])]);
  const beyond = b.op("Equal", [raised, y]);
  return b.op("Sub", [raised, b.op("Where", [beyond, y, zero])]);
}

/** The quotient of whole numbers that are held as floats, towards zero as integers divide. */
export function integerQuotient(b: Builder, x: string, y: string): string {
  const exact = b.op("Div", [sub(b, x, flooredRemainder(b, x, y)), y]);
  const down = b.op("Floor", [add(b, exact, 0.5)]);
  const uneven = b.op("Not", [b.op("Equal", [b.op("Mul", [down, y]), x])]);
  const negative = b.op("Less", [b.op("Mul", [x, y]), b.scalar(0, x)]);
  return add(b, down, b.op("Cast", [b.op("And", [uneven, negative])], { to: b.dataType(x) }));
}

const chain = (n: NodeContext): string => {
  const [first, ...rest] = n.node.input as [string, ...string[]];
  return rest.reduce((sum, x) => n.b.op("Add", [sum, x]), first);
};

const softsign: Formula = (n) => div(n.b, x0(n), add(n.b, n.b.op("Abs", [x0(n)]), 1));

const selu: Formula = (n) => {
  const alpha = float(n.float("alpha", 1.6732631921768188));
  return mul(n.b, n.b.op("Elu", [x0(n)], { alpha }), n.float("gamma", 1.0507010221481323));
};

/** `α elu(x/α)`. */
const celu: Formula = (n) => {
  const alpha = n.float("alpha", 1);
  return mul(n.b, n.b.op("Elu", [mul(n.b, x0(n), 1 / alpha)]), alpha);
};

const shrink: Formula = (n) => {
  const { b } = n;
  const x = x0(n);
  const [lambda, bias] = [n.float("lambd", 0.5), n.float("bias", 0)];
  const low = where(b, b.op("Less", [x, b.scalar(-lambda, x)]), add(b, x, bias), b.scalar(0, x));
  return where(b, b.op("Greater", [x, b.scalar(lambda, x)]), sub(b, x, bias), low);
};

/** `¬(¬p ∧ ¬q)`. */
const or: Formula = ({ b, node }) => {
  const [p, q] = node.input.map((x) => b.op("Not", [x]));
  return b.op("Not", [b.op("And", [p!, q!])]);
};

/** `(p ∨ q) ∧ ¬(p ∧ q)`. */
const xor: Formula = ({ b, node }) =>
  b.op("And", [b.op("Or", node.input), b.op("Not", [b.op("And", node.input)])]);

const isNaN_: Formula = (n) => n.b.op("Not", [n.b.op("Equal", [x0(n), x0(n)])]);

const LARGEST = 3.4028234663852886e38;

const isInf: Formula = (n) => {
  const { b } = n;
  const [positive, negative] = [n.int("detect_positive", 1), n.int("detect_negative", 1)];
  const x = x0(n);
  const size = positive !== 0 && negative !== 0 ? b.op("Abs", [x]) : negative !== 0 ? neg(b, x) : x;
  return b.op("Greater", [size, b.scalar(LARGEST, x)]);
};

/** The value everywhere. */
const constantOfShape: Formula = (n) => {
  const { b } = n;
  const value = tensorAttribute(n.node, "value");
  const dataType = value?.dataType ?? DataType.FLOAT;
  if (dataType !== DataType.FLOAT) return undefined;
  const scalar = value === undefined ? 0 : Number(tensorData(value)[0]);
  return b.op("Expand", [b.constant([scalar], dataType, []), n.input(0)]);
};

/** `(Σ |x|ᵖ)^{1/p}` over windows, from their mean. */
const lpPool: Formula = (n) => {
  const { b } = n;
  const kernel = n.ints("kernel_shape");
  if (kernel === undefined) return undefined;
  const byPoints = pooledByPoints(n, true);
  if (byPoints !== undefined) return byPoints;
  if (isDilated(n.node) || n.int("ceil_mode", 0) !== 0) return undefined;
  const p = n.int("p", 2);
  const powers = powerOf(b, b.op("Abs", [x0(n)]), p);
  const mean = b.op("AveragePool", [powers], {
    kernel_shape: kernel,
    strides: n.ints("strides"),
    pads: n.ints("pads"),
    auto_pad: n.string("auto_pad", "NOTSET"),
    count_include_pad: 1,
  });
  return rootOf(b, mul(b, mean, kernel.reduce((a, k) => a * k, 1)), p);
};

const globalLpPool: Formula = (n) => {
  const { b } = n;
  const axes = b.dims(x0(n)).slice(2).map((_, k) => k + 2);
  const p = n.int("p", 2);
  return rootOf(b, reduceSum(b, powerOf(b, b.op("Abs", [x0(n)]), p), axes, true), p);
};

const spaceToDepth: Formula = (n) => {
  const { b } = n;
  const [, channels, height, width] = b.dims(x0(n));
  const s = n.int("blocksize", 1);
  if (typeof channels !== "number" || typeof height !== "number" || typeof width !== "number") {
    return undefined;
  }
  const [h, w] = [height / s, width / s];
  const blocks = b.op("Reshape", [x0(n), b.ints([-1, channels, h, s, w, s])]);
  const moved = b.op("Transpose", [blocks], { perm: [0, 3, 5, 1, 2, 4] });
  return b.op("Reshape", [moved, b.ints([-1, channels * s * s, h, w])]);
};

/** The first (or last) place of the largest (or smallest), as a float. */
export function placeOfExtreme(n: NodeContext): string | undefined {
  const { b } = n;
  const dims = b.dims(x0(n));
  const at = n.int("axis", 0);
  const axis = at < 0 ? at + dims.length : at;
  const size = dims[axis];
  if (typeof size !== "number") return undefined;
  const last = n.int("select_last_index", 0) !== 0;
  const best = b.op(n.node.opType === "ArgMax" ? "ReduceMax" : "ReduceMin", [
    x0(n),
    b.ints([axis]),
  ], { keepdims: 1 });
  const shape = dims.map((_, k) => k === axis ? size : 1);
  const places = b.constant([...Array(size).keys()], DataType.FLOAT, shape);
  const there = b.op("Equal", [x0(n), best]);
  const outside = b.constant([last ? -1 : size], DataType.FLOAT, []);
  return b.op(last ? "ReduceMax" : "ReduceMin", [
    b.op("Where", [there, places, outside]),
    b.ints([axis]),
  ], { keepdims: n.int("keepdims", 1) });
}

/** 1 at the first maximum. */
const hardmax: Formula = (n) => {
  const { b } = n;
  const dims = b.dims(x0(n));
  const at = n.int("axis", -1);
  const axis = at < 0 ? at + dims.length : at;
  const size = dims[axis];
  if (typeof size !== "number") return undefined;
  const best = b.op("ReduceMax", [x0(n), b.ints([axis])], { keepdims: 1 });
  const shape = dims.map((_, k) => k === axis ? size : 1);
  const places = b.constant([...Array(size).keys()], DataType.FLOAT, shape);
  const outside = b.constant([size], DataType.FLOAT, []);
  const first = b.op("ReduceMin", [
    b.op("Where", [b.op("Equal", [x0(n), best]), places, outside]),
    b.ints([axis]),
  ], { keepdims: 1 });
  return b.op("Cast", [b.op("Equal", [places, first])], { to: b.dataType(x0(n)) });
};

const size: Formula = (n) => n.b.op("ReduceProd", [n.b.op("Shape", [x0(n)])], { keepdims: 0 });

/** Formulas for operators that a target lacks, by operator. */
export const formulas: Readonly<Record<string, Formula>> = {
  LogSoftmax: logSoftmax,
  ReduceLogSumExp: logSumExp,
  Round: round,
  Sign: (n) => signOf(n.b, x0(n)),
  Mod: modulo,
  Sum: chain,
  Mean: (n) => mul(n.b, chain(n), 1 / n.node.input.length),
  Softsign: softsign,
  Selu: selu,
  Celu: celu,
  Shrink: shrink,
  Or: or,
  Xor: xor,
  IsNaN: isNaN_,
  IsInf: isInf,
  ConstantOfShape: constantOfShape,
  LpPool: lpPool,
  GlobalLpPool: globalLpPool,
  SpaceToDepth: spaceToDepth,
  GroupNormalization: groupNorm,
  MeanVarianceNormalization: meanVariance,
  Hardmax: hardmax,
  RMSNormalization: rmsNorm,
  Size: size,
};

/** Writes a node by its formula; false where there is none for it. */
export function byFormula(n: NodeContext, among: ReadonlySet<string>): boolean {
  if (!among.has(n.node.opType)) return false;
  const value = formulas[n.node.opType]?.(n);
  if (value === undefined) return false;
  n.b.alias(value, n.node.output[0]!);
  return true;
}
