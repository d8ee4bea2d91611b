/** @module */
import * as tf from "@tensorflow/tfjs-core";
import { runKernel } from "../second_order/gradients/_tensors.ts";
import { pooling } from "../second_order/gradients/pooling.ts";
import { deflate, inflate } from "./_axes.ts";
import { refuseRounding } from "./_rounding.ts";

type Info3D = tf.backend_util.Conv3DInfo;

function infoOf(x: tf.Tensor, attrs: tf.NamedAttrMap): Info3D {
  const { filterSize, strides, pad, dimRoundingMode } = attrs;
  type Arguments = Parameters<typeof tf.backend_util.computePool3DInfo>;
  return tf.backend_util.computePool3DInfo(
    ...[x.shape, filterSize, strides, 1, pad, dimRoundingMode] as unknown as Arguments,
  );
}

/** One axis of a volume. */
interface Axis {
  readonly size: number;
  readonly out: number;
  readonly window: number;
  readonly stride: number;
  readonly before: number;
}

function axesOf(info: Info3D): Axis[] {
  const { padInfo } = info;
  return (["Depth", "Height", "Width"] as const).map((name, i) => ({
    size: info[`in${name}`],
    out: info[`out${name}`],
    window: info[`filter${name}`],
    stride: info[`stride${name}`],
    before: [padInfo.front, padInfo.top, padInfo.left][i]!,
  }));
}

const maxPool: tf.GradConfig = {
  kernelName: tf.MaxPool,
  inputsToSave: ["x"],
  outputsToSave: [true],
  gradFunc: (dy, saved, attrs) => {
    const [input, output] = saved as [tf.Tensor, tf.Tensor];
    return { x: () => runKernel(tf.MaxPoolGrad, { dy: dy as tf.Tensor, input, output }, attrs) };
  },
};

/**
 * tfjs's gradients leave dimRoundingMode out, and several kernels do: with "ceil" they would be those
 * of another pooling.
 */
function roundedDown(config: tf.GradConfig): tf.GradConfig {
  return {
    ...config,
    gradFunc: (dy, saved, attrs) => {
      refuseRounding(config.kernelName, attrs);
      return config.gradFunc(dy, saved, attrs);
    },
  };
}

/**
 * tfjs averages over the places inside the volume, but its gradient divides by the size of the
 * window: wrong where windows hang over the border.
 */
const avgPool3D: tf.GradConfig = {
  kernelName: tf.AvgPool3D,
  inputsToSave: ["x"],
  gradFunc: (d, saved, attrs) => {
    const input = saved[0]!;
    return {
      x: () => {
        const ratios = axesOf(infoOf(input, attrs)).map(({ size, out, window, stride, before }) =>
          Array.from({ length: out }, (_, i) => {
            const start = i * stride - before;
            return window / (Math.min(size, start + window) - Math.max(0, start));
          })
        );
        const dy = ratios.reduce<tf.Tensor>((dy, ratio, axis) => {
          if (ratio.every((r) => r === 1)) return dy;
          const shape = dy.shape.map((n, i) => i === axis + 1 ? n : 1);
          return tf.mul(dy, tf.tensor(ratio, shape));
        }, d as tf.Tensor);
        return runKernel("AvgPool3DGrad", { dy, input }, attrs);
      },
    };
  },
};

/**
 * Tap by tap: each window's gradient goes to the first place that has its maximum. For backends whose
 * kernel takes the row of the maximum for another in windows of unequal height and width.
 */
function maxPool3DTaps(
  dy: tf.Tensor,
  x: tf.Tensor,
  y: tf.Tensor,
  axes: readonly Axis[],
): tf.Tensor {
  const reach = axes.map((a) => (a.out - 1) * a.stride + a.window);
  const after = axes.map((a, i) => Math.max(0, reach[i]! - a.before - a.size));
  const around = (pads: [number, number][]): [number, number][] => [[0, 0], ...pads, [0, 0]];
  const lowest = -3.4028234663852886e38;
  const padded = tf.pad(x, around(axes.map((a, i) => [a.before, after[i]!])), lowest);
  const taps = axes.reduce<number[][]>(
    (all, { window }) => all.flatMap((t) => Array.from({ length: window }, (_, k) => [...t, k])),
    [[]],
  );
  let found = tf.zerosLike(y), dx: tf.Tensor = tf.zeros(padded.shape);
  for (const tap of taps) {
    const span = axes.map((a) => (a.out - 1) * a.stride + 1);
    const window = tf.slice(padded, [0, ...tap, 0], [x.shape[0]!, ...span, x.shape[4]!]);
    const piece = axes.reduce<tf.Tensor>((p, a, i) => deflate(p, i + 1, a.stride), window);
    const hit = tf.mul(tf.cast(tf.equal(piece, y), "float32"), tf.sub(1, found));
    found = tf.add(found, hit);
    const spread = axes.reduce<tf.Tensor>(
      (p, a, i) => inflate(p, i + 1, a.stride),
      tf.mul(dy, hit),
    );
    const rest = axes.map((_, i): [number, number] => [
      tap[i]!,
      padded.shape[i + 1]! - span[i]! - tap[i]!,
    ]);
    dx = tf.add(dx, tf.pad(spread, around(rest)));
  }
  return tf.slice(dx, [0, ...axes.map((a) => a.before), 0], x.shape);
}

const maxPool3D: tf.GradConfig = {
  kernelName: tf.MaxPool3D,
  inputsToSave: ["x"],
  outputsToSave: [true],
  gradFunc: (d, saved, attrs) => {
    const dy = d as tf.Tensor, [input, output] = saved as [tf.Tensor, tf.Tensor];
    return {
      x: () => {
        const info = infoOf(input, attrs);
        const square = info.filterHeight === info.filterWidth;
        return square || tf.getBackend() === "wasm"
          ? runKernel(tf.MaxPool3DGrad, { dy, input, output }, attrs)
          : maxPool3DTaps(dy, input, output, axesOf(info));
      },
    };
  },
};

/** Pooling in two and three dimensions. */
export const poolings: readonly tf.GradConfig[] = [
  ...pooling.filter(({ kernelName }) => kernelName === tf.AvgPool),
  ...[maxPool, avgPool3D, maxPool3D],
].map(roundedDown);
