/** @module */
import type { Builder } from "../../graph/builder.ts";
import { isStatic } from "../../graph/dims.ts";
import { asScalar, reshapeLike, shapeOf } from "../../graph/emit.ts";
import { DataType } from "../../model/data_type.ts";

/** An int64 vector from numbers and from vectors that the graph computes. */
export function vectorOf(b: Builder, parts: readonly (number | string)[]): string {
  const pieces: string[] = [];
  let run: number[] = [];
  const close = () => {
    if (run.length > 0) pieces.push(b.ints(run));
    run = [];
  };
  for (const part of parts) {
    if (typeof part === "number") run.push(part);
    else {
      close();
      pieces.push(part);
    }
  }
  close();
  if (pieces.length === 0) return b.ints([]);
  return pieces.length === 1 ? pieces[0]! : b.op("Concat", pieces, { axis: 0 });
}

/** The number of elements of a value: an int64 vector of one. */
export function sizeOf(b: Builder, x: string): string {
  const dims = b.type(x)?.dims;
  if (isStatic(dims)) return b.ints([dims.reduce((a, d) => a * d, 1)]);
  return b.op("ReduceProd", [shapeOf(b, x)], { keepdims: 1 });
}

/** `0, 1, …, length − 1` as int64, for a vector of one that holds the length. */
export function countTo(b: Builder, length: string): string {
  const known = b.known(length)?.[0];
  const end = typeof known === "number"
    ? b.constant([known], DataType.INT64, [])
    : asScalar(b, length);
  return b.op("Range", [
    b.constant([0], DataType.INT64, []),
    end,
    b.constant([1], DataType.INT64, []),
  ]);
}

/** Where each element of a value lies in memory: its row-major index, in the value's shape. */
export function positionsOf(b: Builder, x: string): string {
  return reshapeLike(b, countTo(b, sizeOf(b, x)), x);
}

/** The transpose of taking elements of `x` by their position: adds each of `dy` where it was from. */
export function scatterToPositions(
  b: Builder,
  dy: string,
  positions: string,
  x: string,
): string {
  const flat = (value: string) => b.op("Reshape", [value, b.ints([-1])]);
  const zeros = b.op("Expand", [b.scalar(0, dy), sizeOf(b, x)]);
  const sum = b.op("ScatterElements", [zeros, flat(positions), flat(dy)], {
    axis: 0,
    reduction: "add",
  });
  return reshapeLike(b, sum, x);
}
