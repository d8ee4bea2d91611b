/** @module */
import * as tf from "@tensorflow/tfjs-core";

/** A tensor as [outer, axis, inner]. */
function around(x: tf.Tensor, axis: number): tf.Tensor3D {
  const outer = tf.util.sizeFromShape(x.shape.slice(0, axis)), size = x.shape[axis]!;
  return tf.reshape(x, [
    outer,
    size,
    tf.util.sizeFromShape(x.shape.slice(axis + 1)),
  ]) as tf.Tensor3D;
}

/** `x` with another tensor's elements along an axis. */
function withAxis(x: tf.Tensor, shape: readonly number[], axis: number): tf.Tensor {
  return tf.reshape(x, shape.map((n, i) => i === axis ? x.shape[1]! : n));
}

/** Applies `f` to [outer, axis, inner]. */
export function alongAxis(
  x: tf.Tensor,
  axis: number,
  f: (x: tf.Tensor3D) => tf.Tensor,
): tf.Tensor {
  return withAxis(f(around(x, axis)), x.shape, axis);
}

/** Puts `step − 1` zeros between the elements along an axis. */
export function inflate(x: tf.Tensor, axis: number, step: number): tf.Tensor {
  if (step === 1) return x;
  return alongAxis(x, axis, (rows) => {
    const [outer, size, inner] = rows.shape;
    const apart = tf.pad(tf.reshape(rows, [outer * size, 1, inner]), [[0, 0], [0, step - 1], [
      0,
      0,
    ]]);
    const all = tf.reshape(apart, [outer, size * step, inner]);
    return tf.slice(all, [0, 0, 0], [outer, Math.max(0, (size - 1) * step + 1), inner]);
  });
}

/** The elements along an axis that {@linkcode inflate} would leave apart. */
export function deflate(x: tf.Tensor, axis: number, step: number): tf.Tensor {
  if (step === 1) return x;
  return alongAxis(x, axis, (rows) => {
    const [outer, long, inner] = rows.shape, size = Math.floor((long - 1) / step) + 1;
    const all = tf.pad(rows, [[0, 0], [0, size * step - long], [0, 0]]);
    const first = tf.slice(tf.reshape(all, [outer * size, step, inner]), [0, 0, 0], [-1, 1, -1]);
    return tf.reshape(first, [outer, size, inner]);
  });
}

/** An attribute of n axes, given as one number for all or one for each. */
export function each(value: unknown, n: number): number[] {
  if (value == null) return new Array(n).fill(1);
  return typeof value === "number" ? new Array(n).fill(value) : value as number[];
}
