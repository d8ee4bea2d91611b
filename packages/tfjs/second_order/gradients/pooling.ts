/** @module */
import * as tf from "@tensorflow/tfjs-core";
import { runKernel, zerosFor } from "./_tensors.ts";

type Pool = Parameters<typeof tf.backend_util.computePool2DInfo>;

/** How many of `window` places from `start` lie inside [0, size). */
function inside(start: number, window: number, size: number): number {
  return Math.min(size, start + window) - Math.max(0, start);
}

/**
 * Window size over the number of its places inside the image, [1, height, width, 1]; undefined
 * where all are inside. tfjs averages over the places inside, but its gradient divides by the
 * window size: wrong by this factor at the borders of "same" padding.
 */
function overhang(x: tf.Tensor, attrs: tf.NamedAttrMap): tf.Tensor | undefined {
  const { filterSize, strides, pad, dimRoundingMode } = attrs;
  const info = tf.backend_util.computePool2DInfo(
    x.shape as Pool[0],
    filterSize as Pool[1],
    strides as Pool[2],
    1,
    pad as Pool[4],
    dimRoundingMode as Pool[5],
  );
  const along = (places: number, stride: number, before: number, window: number, size: number) =>
    Array.from({ length: places }, (_, i) => window / inside(i * stride - before, window, size));
  const { padInfo, outHeight, outWidth } = info;
  const rows = along(outHeight, info.strideHeight, padInfo.top, info.filterHeight, info.inHeight);
  const columns = along(outWidth, info.strideWidth, padInfo.left, info.filterWidth, info.inWidth);
  if ([...rows, ...columns].every((ratio) => ratio === 1)) return undefined;
  const ratios = rows.flatMap((r) => columns.map((c) => r * c));
  return tf.tensor4d(ratios, [1, outHeight, outWidth, 1]);
}

const avgPool: tf.GradConfig = {
  kernelName: tf.AvgPool,
  inputsToSave: ["x"],
  gradFunc: (d, saved, attrs) => {
    const dy = d as tf.Tensor, x = saved[0]!;
    return {
      x: () => {
        const ratio = overhang(x, attrs);
        return runKernel("AvgPoolGrad", { dy: ratio ? tf.mul(dy, ratio) : dy, input: x }, attrs);
      },
    };
  },
};

// AvgPoolGrad is linear in dy, and avgPool is its adjoint but for the factor at the borders.
const avgPoolGrad: tf.GradConfig = {
  kernelName: tf.AvgPoolGrad,
  inputsToSave: ["input"],
  gradFunc: (dd, saved, attrs) => {
    const ddx = dd as tf.Tensor, x = saved[0]!;
    return {
      dy: () => {
        const ratio = overhang(x, attrs);
        const pooled = runKernel("AvgPool", { x: ddx }, attrs);
        return ratio ? tf.div(pooled, ratio) : pooled;
      },
      input: zerosFor(x),
    };
  },
};

/**
 * Index of each window's maximum in the flat image. Off the tape: tfjs gives no gradient to indices,
 * not even zero, and refuses those that depend on a variable.
 */
function argmax(x: tf.Tensor, attrs: tf.NamedAttrMap): tf.Tensor {
  const name = tf.MaxPoolWithArgmax, backend = tf.getBackend();
  const kernel = tf.getKernel(name, backend);
  if (!kernel) throw new TypeError(`Kernel '${name}' not registered for backend '${backend}'`);
  const infos = kernel.kernelFunc({
    inputs: { x },
    attrs: { ...attrs, includeBatchInIndex: true },
    backend: tf.backend(),
  }) as tf.TensorInfo[];
  return infos.map((info) => tf.engine().makeTensorFromTensorInfo(info))[1]!;
}

// MaxPoolGrad is linear in dy: it scatters to the places of the maxima, so its adjoint gathers.
const maxPoolGrad: tf.GradConfig = {
  kernelName: tf.MaxPoolGrad,
  inputsToSave: ["input", "output"],
  gradFunc: (dd, saved, attrs) => {
    const ddx = dd as tf.Tensor, [x, y] = saved as [tf.Tensor, tf.Tensor];
    return {
      dy: () => {
        // The webgl backend has indices as float32.
        const flat = tf.cast(tf.reshape(argmax(x, attrs), [-1]), "int32");
        return tf.reshape(tf.gather(tf.reshape(ddx, [-1]), flat), y.shape);
      },
      input: zerosFor(x),
      output: zerosFor(y),
    };
  },
};

/** Pooling in two dimensions. */
export const pooling: readonly tf.GradConfig[] = [avgPool, avgPoolGrad, maxPoolGrad];
