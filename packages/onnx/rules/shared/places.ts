/** @module */
import type { Builder } from "../../graph/builder.ts";
import { type Dim, product } from "../../graph/dims.ts";
import { expandLike } from "../../graph/emit.ts";
import { vectorOf } from "./positions.ts";

/**
 * Adds updates along an axis of zeros that are shaped like `x`, at indices that have size one along
 * the other axes. By ScatterElements: where indices repeat, ScatterND of ONNX Runtime 1.30 on the
 * CPU loses updates to races between its threads.
 */
export function addAlong(
  b: Builder,
  { zeros, indices, updates, axis }: {
    readonly zeros: string;
    readonly indices: string;
    readonly updates: string;
    readonly axis: number;
  },
): string {
  const everywhere = expandLike(b, indices, updates);
  return b.op("ScatterElements", [zeros, everywhere, updates], { axis, reduction: "add" });
}

/** Elements of `x` that coordinates choose, as rows of a matrix. */
export interface Rows {
  /** Row of each of the T coordinates, `[T, 1]`; may count from the end. */
  readonly indices: string;
  /** The same counted from the start. */
  readonly places: () => string;
  /** A value shaped like `x` as that matrix. */
  readonly matrix: (value: string) => string;
  /** A value shaped like the updates as a matrix of T rows. */
  readonly updates: (value: string) => string;
  /** Zeros in the shape of the matrix. */
  readonly zeros: () => string;
}

/** Coordinates `[…, depth]` of ScatterND and GatherND as row numbers of a matrix; depth is known. */
export function rowsAt(b: Builder, x: string, coordinates: string, depth: number): Rows {
  const dims = b.dims(x);
  const lead = b.dims(coordinates).slice(0, -1);
  const [places, width, count] = [
    [product(dims.slice(0, depth)), sizeWithin(b, x, 0, depth)],
    [product(dims.slice(depth)), sizeWithin(b, x, depth, dims.length)],
    [product(lead), sizeWithin(b, coordinates, 0, lead.length)],
  ] as const;
  const as = (value: string, ...sizes: readonly (readonly [Dim, string])[]) => {
    // No size is left to be found, so that 0 means none.
    const y = b.op("Reshape", [value, vectorOf(b, sizes.map(([, size]) => size))], {
      allowzero: 1,
    });
    b.declare(y, { dataType: b.dataType(value), dims: sizes.map(([dim]) => dim) });
    return y;
  };
  const one = [1, b.ints([1])] as const;
  const sizes = Array.from({ length: depth }, (_, k) => sizeWithin(b, x, k, k + 1));
  const strides = sizes.map((_, k) => sizeWithin(b, x, k + 1, depth));
  const counted = () => fromStart(b, coordinates, vectorOf(b, sizes));
  const numbers = () =>
    depth === 1 ? coordinates : b.op("ReduceSum", [
      b.op("Mul", [counted(), vectorOf(b, strides)]),
      b.ints([-1]),
    ], { keepdims: 1 });
  return {
    indices: as(numbers(), count, one),
    places: () => as(depth === 1 ? counted() : numbers(), count, one),
    matrix: (value) => as(value, places, width),
    updates: (value) => as(value, count, width),
    zeros: () => {
      const y = b.op("Expand", [b.scalar(0, x), vectorOf(b, [places[1], width[1]])]);
      b.declare(y, { dataType: b.dataType(x), dims: [places[0], width[0]] });
      return y;
    },
  };
}

/** Indices counted from the start; `sizes` broadcasts against them. */
function fromStart(b: Builder, indices: string, sizes: string): string {
  const zero = b.scalar(0, indices);
  return b.op("Where", [b.op("Less", [indices, zero]), b.op("Add", [indices, sizes]), indices]);
}

/** Indices along an axis of `x` counted from its start. */
export function fromStartAlong(b: Builder, indices: string, x: string, axis: number): string {
  const size = sizeWithin(b, x, axis, axis + 1);
  const type = b.dataType(indices);
  const like = type === b.dataType(size) ? size : b.op("Cast", [size], { to: type });
  return fromStart(b, indices, like);
}

/** The product of the sizes of some axes: an int64 vector of one. */
function sizeWithin(b: Builder, x: string, start: number, end: number): string {
  const size = product(b.dims(x).slice(start, end));
  if (typeof size === "number") return b.ints([size]);
  return b.op("ReduceProd", [b.op("Shape", [x], { start, end })], { keepdims: 1 });
}
