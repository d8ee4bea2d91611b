/** @module */
import * as tf from "@tensorflow/tfjs-core";
import { onArrays, type WasmBackend } from "../host.ts";
import { type Kernel, runKernel, sizeOf } from "./_kernel.ts";

/** A shape as outer, summed and inner axes, each in one; undefined where the summed ones lie apart. */
function collapsed(shape: readonly number[], axes: readonly number[]): number[] | undefined {
  // Axes of one element lie wherever one wants them.
  const summed = axes.filter((axis) => shape[axis] !== 1);
  const first = summed[0] ?? shape.length, last = summed.at(-1) ?? shape.length - 1;
  const size = (from: number, to: number) => tf.util.sizeFromShape(shape.slice(from, to));
  const between = shape.filter((n, i) => i > first && i < last && n !== 1 && !summed.includes(i));
  return between.length > 0
    ? undefined
    : [size(0, first), size(first, last + 1), size(last + 1, shape.length)];
}

function sumOf(
  backend: WasmBackend,
  kernel: string,
  x: tf.TensorInfo,
  axes: readonly number[],
  outShape: number[],
  divisor: number,
): tf.TensorInfo {
  const groups = collapsed(x.shape, axes);
  if (!groups) {
    const kept = x.shape.map((_, i) => i).filter((i) => !axes.includes(i));
    const moved = runKernel(backend, tf.Transpose, { x }, { perm: [...kept, ...axes] });
    try {
      const last = axes.map((_, i) => kept.length + i);
      return sumOf(backend, kernel, moved, last, outShape, divisor);
    } finally {
      backend.disposeData(moved.dataId);
    }
  }
  const out = backend.makeOutput(outShape, "float32");
  onArrays(backend, { kernel, inputs: [x], outputs: [out] }, ({ sum }, [from, to]) => {
    const [outer, terms, inner] = groups as [number, number, number];
    sum(from!, to!, outer, terms, inner, divisor);
  });
  return out;
}

function reduction(kernel: string, divisorOf: (terms: number) => number): Kernel {
  return ({ inputs, attrs, backend }) => {
    const x = inputs.x!;
    const axes = [...tf.util.parseAxisParam(attrs.axis as number[], x.shape)].sort((a, b) => a - b);
    const outShape = x.shape.flatMap((n, i) => axes.includes(i) ? attrs.keepDims ? [1] : [] : [n]);
    const terms = tf.util.sizeFromShape(axes.map((axis) => x.shape[axis]!));
    return sumOf(backend, kernel, x, axes, outShape, divisorOf(terms));
  };
}

/** `Sum` of float32. */
export const sum: Kernel = reduction(tf.Sum, () => 1);
/** `Mean` of float32. */
export const mean: Kernel = reduction(tf.Mean, (terms) => terms);

/** From so many rows on, segments are summed in float64. */
const exactFrom = 16384;

/** `UnsortedSegmentSum`; like the cpu backend it keeps the axes of the ids after the first. */
export const unsortedSegmentSum: Kernel = ({ inputs, attrs, backend }) => {
  const kernel = tf.UnsortedSegmentSum;
  const { segmentIds: ids } = inputs as { segmentIds: tf.TensorInfo };
  const numSegments = attrs.numSegments as number;
  const rank = ids.shape.length;
  if (
    ids.dtype !== "int32" || rank === 0 ||
    !tf.util.arraysEqual(inputs.x!.shape.slice(0, rank), ids.shape)
  ) {
    throw new TypeError(
      `Cannot run ${kernel} on wasm: segmentIds is expected to be int32 with the first axes of x, ` +
        `[${inputs.x!.shape}], current value is ${ids.dtype} [${ids.shape}]`,
    );
  }
  const cast = inputs.x!.dtype === "float32"
    ? undefined
    : runKernel(backend, tf.Cast, { x: inputs.x! }, { dtype: "float32" });
  const x = cast ?? inputs.x!;
  const out = backend.makeOutput([numSegments, ...x.shape.slice(1)], "float32");
  const rows = sizeOf(ids), batch = tf.util.sizeFromShape(ids.shape.slice(1));
  const size = tf.util.sizeFromShape(x.shape.slice(rank));
  const exact = rows >= exactFrom;
  const scratch = exact ? [8 * sizeOf(out)] : [];
  onArrays(
    backend,
    { kernel, inputs: [x, ids], outputs: [out], scratch },
    (functions, addresses) => {
      const [from, segments, to, wide] = addresses as [number, number, number, number];
      if (!exact) return functions.addRows(from, segments, to, rows, batch, size, numSegments);
      functions.clear(wide, 8 * sizeOf(out));
      functions.addRowsExactly(from, segments, wide, rows, batch, size, numSegments);
      functions.narrow(wide, to, sizeOf(out));
    },
  );
  if (cast) backend.disposeData(cast.dataId);
  return out;
};
