/** @module */
import * as tf from "@tensorflow/tfjs-core";
import { runKernel, zerosFor } from "../second_order/gradients/_tensors.ts";

/** tfjs has the gradient of batchDims 1 for some shapes, and none above. */
const gather: tf.GradConfig = {
  kernelName: tf.GatherV2,
  inputsToSave: ["x", "indices"],
  gradFunc: (d, saved, attrs) => {
    const dy = d as tf.Tensor, [x, indices] = saved as [tf.Tensor, tf.Tensor];
    const [axis] = tf.util.parseAxisParam(attrs.axis as number, x.shape) as [number];
    const batchDims = (attrs.batchDims ?? 0) as number;
    if (batchDims > 0 && tf.getBackend() === "wasm") {
      throw new TypeError(
        "Cannot take the gradient of gather: the wasm backend gathers from wrong places with batchDims " +
          `${batchDims}; gather from a reshaped tensor with batchDims 0`,
      );
    }
    const size = tf.util.sizeFromShape;
    return {
      x: () => {
        const batch = size(x.shape.slice(0, batchDims)), n = x.shape[axis]!;
        const outer = size(x.shape.slice(batchDims, axis)), inner = size(x.shape.slice(axis + 1));
        const count = indices.size / Math.max(batch, 1);
        // Rows of one batch are segments of their own.
        const first = tf.mul(tf.range(0, batch, 1, "int32"), tf.scalar(n, "int32"));
        const ids = tf.reshape(
          tf.add(tf.reshape(indices, [batch, count]), tf.reshape(first, [batch, 1])),
          [-1],
        );
        const rows = tf.transpose(tf.reshape(dy, [batch, outer, count, inner]), [0, 2, 1, 3]);
        const sums = tf.unsortedSegmentSum(
          tf.reshape(rows, [batch * count, outer * inner]),
          tf.cast(ids, "int32") as tf.Tensor1D,
          batch * n,
        );
        const back = tf.transpose(tf.reshape(sums, [batch, n, outer, inner]), [0, 2, 1, 3]);
        return tf.reshape(back, x.shape);
      },
      indices: zerosFor(indices),
    };
  },
};

/**
 * In the gradient of an argument, its letters and those of the output change places; what the argument
 * alone had was summed, so that every element of it gets the same.
 */
const einsum: tf.GradConfig = {
  kernelName: tf.Einsum,
  saveAllInputs: true,
  gradFunc: (d, saved, attrs) => {
    const dy = d as tf.Tensor;
    const [left, output] = (attrs.equation as string).replace(/\s/g, "").split("->") as [
      string,
      string,
    ];
    const terms = left.split(",");
    return Object.fromEntries(terms.map((term, i) => [i, () => {
      const others = terms.flatMap((letters, k) => k === i ? [] : [{ letters, x: saved[k]! }]);
      const known = output + others.map(({ letters }) => letters).join("");
      const kept = [...term].filter((letter) => known.includes(letter)).join("");
      const equation = `${[output, ...others.map(({ letters }) => letters)].join(",")}->${kept}`;
      const inputs = [dy, ...others.map(({ x }) => x)] as unknown as tf.NamedTensorMap;
      const part = runKernel(tf.Einsum, inputs, { equation });
      const shape = saved[i]!.shape;
      const spread = tf.reshape(part, shape.map((n, k) => known.includes(term[k]!) ? n : 1));
      return kept === term ? part : tf.mul(spread, tf.ones(shape));
    }]));
  },
};

/** Gathering and einsum. */
export const indexing: readonly tf.GradConfig[] = [gather, einsum];
