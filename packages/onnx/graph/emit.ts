/** @module */
import type { Builder, Operand } from "./builder.ts";
import { broadcastDims, type Dim, isStatic, product, sameDims } from "./dims.ts";

/** The name of an operand; a number becomes a scalar with the element type of `like`. */
export function named(b: Builder, operand: Operand, like: string): string {
  return typeof operand === "number" ? b.scalar(operand, like) : operand;
}

const constantValue = (b: Builder, x: Operand) => typeof x === "number" ? x : b.scalarValue(x);

function binary(b: Builder, opType: string, x: Operand, y: Operand): string {
  const like = typeof x === "string" ? x : y as string;
  return b.op(opType, [named(b, x, like), named(b, y, like)]);
}

export function add(b: Builder, x: Operand, y: Operand): string {
  if (typeof y === "string" && constantValue(b, x) === 0) return y;
  if (typeof x === "string" && constantValue(b, y) === 0) return x;
  return binary(b, "Add", x, y);
}

export function sub(b: Builder, x: Operand, y: Operand): string {
  if (typeof x === "string" && constantValue(b, y) === 0) return x;
  return binary(b, "Sub", x, y);
}

export function mul(b: Builder, x: Operand, y: Operand): string {
  if (typeof y === "string" && constantValue(b, x) === 1) return y;
  if (typeof x === "string" && constantValue(b, y) === 1) return x;
  return binary(b, "Mul", x, y);
}

export function div(b: Builder, x: Operand, y: Operand): string {
  if (typeof x === "string" && constantValue(b, y) === 1) return x;
  return binary(b, "Div", x, y);
}

export const neg = (b: Builder, x: string): string => b.op("Neg", [x]);
export const square = (b: Builder, x: string): string => mul(b, x, x);

/** `xᵖ` of a value that is not negative. */
export const powerOf = (b: Builder, x: string, p: number): string =>
  p === 1 ? x : p === 2 ? square(b, x) : b.op("Pow", [x, b.scalar(p, x)]);
/** `x^{1/p}` of a value that is not negative. */
export const rootOf = (b: Builder, x: string, p: number): string =>
  p === 1 ? x : p === 2 ? b.op("Sqrt", [x]) : b.op("Pow", [x, b.scalar(1 / p, x)]);

/** `1` (in the type of `like`) where the condition holds, else `0`. */
export function indicator(b: Builder, condition: string, like: string): string {
  return b.op("Cast", [condition], { to: b.dataType(like) });
}

export function where(b: Builder, condition: string, x: Operand, y: Operand): string {
  const like = typeof x === "string" ? x : y as string;
  return b.op("Where", [condition, named(b, x, like), named(b, y, like)]);
}

/** `1`, `0` or `−1`: what Sign gives, which WebGPU leaves to the CPU. */
export function signOf(b: Builder, x: string): string {
  const zero = b.scalar(0, x);
  const rest = where(b, b.op("Less", [x, zero]), b.scalar(-1, x), zero);
  return where(b, b.op("Greater", [x, zero]), b.scalar(1, x), rest);
}

/** The shape of a value as an int64 vector: a constant where it is known. */
export function shapeOf(b: Builder, x: string): string {
  const dims = b.type(x)?.dims;
  return isStatic(dims) ? b.ints(dims) : b.op("Shape", [x]);
}

/** One dimension as an int64 vector of length 1. */
export function dimOf(b: Builder, x: string, axis: number): string {
  const dims = b.dims(x);
  const at = axis < 0 ? axis + dims.length : axis;
  const dim = dims[at]!;
  if (typeof dim === "number") return b.ints([dim]);
  const found = b.sizes.get(dim);
  if (found !== undefined) return found;
  const size = b.op("Shape", [x], { start: at, end: at + 1 });
  b.sizes.set(dim, size);
  return size;
}

/** The number of elements of `x` along axes (default all), in the element type of `like`: a scalar. */
export function countOf(
  b: Builder,
  x: string,
  axes?: readonly number[],
  like: string = x,
): Operand {
  const dims = b.dims(x);
  const chosen = axes ?? dims.map((_, k) => k);
  const size = product(chosen.map((k) => dims[k < 0 ? k + dims.length : k]!));
  if (typeof size === "number") return size;
  const sizes = chosen.map((k) => dimOf(b, x, k));
  const all = sizes.length === 1 ? sizes[0]! : b.op("Concat", sizes, { axis: 0 });
  const count = b.op("ReduceProd", [all], { keepdims: 0 });
  return b.op("Cast", [count], { to: b.dataType(like) });
}

/** A value with another shape: dims may hold at most one symbol, which becomes -1. */
export function reshape(b: Builder, x: string, dims: readonly Dim[], shape?: string): string {
  if (sameDims(b.type(x)?.dims, dims)) return x;
  const open = dims.filter((d) => typeof d === "string").length;
  const target = open === 0 || (open === 1 && !dims.includes(0))
    ? b.ints(dims.map((d) => typeof d === "number" ? d : -1))
    : shape;
  if (target === undefined) {
    throw new RangeError(`Cannot reshape "${x}" to [${dims}]: several sizes are unknown`);
  }
  // Without it 0 means "as before".
  const allowzero = open === 0 && dims.includes(0) ? 1 : undefined;
  const y = b.op("Reshape", [x, target], { allowzero });
  b.declare(y, { dataType: b.dataType(x), dims });
  return y;
}

/** A value in the shape of another with as many elements. */
export function reshapeLike(b: Builder, x: string, like: string): string {
  const dims = b.type(like)?.dims;
  if (sameDims(b.type(x)?.dims, dims)) return x;
  if (dims !== undefined) {
    const open = dims.filter((d) => typeof d === "string").length;
    if (open === 0 || (open === 1 && !dims.includes(0))) return reshape(b, x, dims);
  }
  // A shape that the graph computes may hold 0 for an empty value, which is no "as before".
  const y = b.op("Reshape", [x, shapeOf(b, like)], { allowzero: 1 });
  if (dims !== undefined) b.declare(y, { dataType: b.dataType(x), dims });
  return y;
}

/** A value broadcast to the shape of another. */
export function expandLike(b: Builder, x: string, like: string): string {
  const dims = b.type(like)?.dims;
  if (sameDims(b.type(x)?.dims, dims)) return x;
  const y = b.op("Expand", [x, shapeOf(b, like)]);
  if (dims !== undefined) b.declare(y, { dataType: b.dataType(x), dims });
  return y;
}

export function reduceSum(
  b: Builder,
  x: string,
  axes: readonly number[] | undefined,
  keepdims: boolean,
): string {
  if (axes !== undefined && axes.length === 0) return x;
  return b.op("ReduceSum", [x, axes === undefined ? undefined : b.ints(axes)], {
    keepdims: keepdims ? 1 : 0,
  });
}

/**
 * The transpose of broadcasting: sums `x` over the axes along which `like` was broadcast, so that
 * the result has the shape of `like`.
 */
export function sumTo(b: Builder, x: string, like: string): string {
  const [from, to] = [b.type(x)?.dims, b.type(like)?.dims];
  if (sameDims(from, to)) return x;
  if (from === undefined || to === undefined) {
    const rank = (value: string) => b.op("Shape", [b.op("Shape", [value])]);
    const lead = b.op("Expand", [b.ints([1]), b.op("Sub", [rank(x), rank(like)])]);
    return sumWhereDifferent(b, x, like, b.op("Concat", [lead, shapeOf(b, like)], { axis: 0 }));
  }
  const lead = from.length - to.length;
  const leading = Array.from({ length: lead }, (_, k) => k);
  const stretched = to.flatMap((d, k) => d === 1 && from[lead + k] !== 1 ? [lead + k] : []);
  // A symbol that differs from the result's symbol may stand for 1: only the run can tell.
  const unsure = to.some((d, k) => d !== 1 && d !== from[lead + k] && typeof d === "string");
  if (!unsure) {
    const y = reduceSum(b, x, [...leading, ...stretched], stretched.length > 0 || lead === 0);
    return reshapeLike(b, y, like);
  }
  const padded = lead === 0
    ? shapeOf(b, like)
    : b.op("Concat", [b.ints(leading.map(() => 1)), shapeOf(b, like)], { axis: 0 });
  return sumWhereDifferent(b, x, like, padded);
}

/** Sums `x` over the axes where its shape differs from `padded`, that of `like` behind ones. */
function sumWhereDifferent(b: Builder, x: string, like: string, padded: string): string {
  const differs = b.op("Not", [b.op("Equal", [padded, shapeOf(b, x)])]);
  const axes = b.op("Squeeze", [b.op("NonZero", [differs]), b.ints([0])]);
  const y = b.op("ReduceSum", [x, axes], { keepdims: 1, noop_with_empty_axes: 1 });
  return reshapeLike(b, y, like);
}

/** Zeros in the shape of a value. */
export function zerosLike(b: Builder, x: string): string {
  return expandLike(b, b.scalar(0, x), x);
}

export function transpose(b: Builder, x: string, perm: readonly number[]): string {
  return perm.every((p, k) => p === k) ? x : b.op("Transpose", [x], { perm });
}

/** A value with its last two axes exchanged. */
export function transposeLast(b: Builder, x: string): string {
  const rank = b.dims(x).length;
  const perm = Array.from({ length: rank }, (_, k) => k);
  [perm[rank - 2], perm[rank - 1]] = [rank - 1, rank - 2];
  return transpose(b, x, perm);
}

export const unsqueeze = (b: Builder, x: string, axes: readonly number[]): string =>
  axes.length === 0 ? x : b.op("Unsqueeze", [x, b.ints(axes)]);
export const squeeze = (b: Builder, x: string, axes: readonly number[]): string =>
  axes.length === 0 ? x : b.op("Squeeze", [x, b.ints(axes)]);

/** A scalar int64 from a vector of one. */
export const asScalar = (b: Builder, x: string): string => squeeze(b, x, [0]);

/** The broadcast shape of values, with new names for sizes that cannot be known. */
export function broadcastOf(
  b: Builder,
  shapes: readonly (readonly Dim[] | undefined)[],
): Dim[] | undefined {
  if (shapes.some((s) => s === undefined)) return undefined;
  return broadcastDims(shapes as readonly (readonly Dim[])[]).map((d) => d ?? b.freshDim());
}
