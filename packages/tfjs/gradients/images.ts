/** @module */
import * as tf from "@tensorflow/tfjs-core";
import { runKernel } from "../second_order/gradients/_tensors.ts";
import { alongAxis } from "./_axes.ts";

/** The matrix [to, from] by which a resizing acts along height or width: what it makes of unit vectors. */
function matrixOf(forward: string, from: number, to: number, attrs: tf.NamedAttrMap): tf.Tensor2D {
  const images = tf.reshape(tf.eye(from), [1, from, 1, from]);
  return tf.reshape(runKernel(forward, { images }, { ...attrs, size: [to, 1] }), [to, from]);
}

/**
 * The cpu backend has images in its gradients with height and width exchanged, and no backend knows
 * halfPixelCenters there: the transposed matrices of the forward pass in their stead.
 */
function resizing(forward: string, backward: string): tf.GradConfig {
  return {
    kernelName: forward,
    inputsToSave: ["images"],
    gradFunc: (d, saved, attrs) => {
      const dy = d as tf.Tensor, images = saved[0]!;
      return {
        images: () =>
          tf.getBackend() !== "cpu" && !attrs.halfPixelCenters
            ? runKernel(backward, { dy, images }, attrs)
            : [1, 2].reduce<tf.Tensor>((dx, axis) =>
              alongAxis(dx, axis, (rows) => {
                const matrix = matrixOf(forward, images.shape[axis]!, dy.shape[axis]!, attrs);
                return tf.matMul(tf.expandDims(tf.transpose(matrix), 0), rows);
              }), dy),
      };
    },
  };
}

/** The part of the mirrored border goes back to the places that it shows. */
const mirrorPad: tf.GradConfig = {
  kernelName: tf.MirrorPad,
  inputsToSave: ["x"],
  gradFunc: (d, saved, attrs) => {
    const x = saved[0]!, paddings = attrs.paddings as [number, number][];
    const skipped = attrs.mode === "reflect" ? 1 : 0;
    return {
      x: () =>
        paddings.reduce<tf.Tensor>(
          (dy, [before, after], axis) =>
            before + after === 0 ? dy : alongAxis(dy, axis, (rows) => {
              const n = x.shape[axis]!;
              const part = (from: number, size: number) =>
                tf.slice(rows, [0, from, 0], [-1, size, -1]);
              const folded = (from: number, size: number, at: number) =>
                tf.pad(tf.reverse(part(from, size), 1), [[0, 0], [at, n - at - size], [0, 0]]);
              return tf.addN([
                part(before, n),
                ...(before > 0 ? [folded(0, before, skipped)] : []),
                ...(after > 0 ? [folded(before + n, after, n - skipped - after)] : []),
              ]);
            }),
          d as tf.Tensor,
        ),
    };
  },
};

/** Resizing and mirroring. */
export const images: readonly tf.GradConfig[] = [
  resizing(tf.ResizeBilinear, tf.ResizeBilinearGrad),
  resizing(tf.ResizeNearestNeighbor, tf.ResizeNearestNeighborGrad),
  mirrorPad,
];
