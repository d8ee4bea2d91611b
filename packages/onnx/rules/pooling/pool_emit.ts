/** @module */
import type { Builder } from "../../graph/builder.ts";
import { type Dim, isStatic, product } from "../../graph/dims.ts";
import { mul, reshape, reshapeLike } from "../../graph/emit.ts";
import { DataType } from "../../model/data_type.ts";
import { convTransposeTo } from "../convolution/conv_emit.ts";
import {
  type KnownWindows,
  outputSizes,
  points,
  type Windows,
  windowsOf,
} from "../shared/windows.ts";
import type { Infer, NodeContext } from "../../graph/rule.ts";

/** The windows of a pooling over its first input; undefined where the input's rank is unknown. */
export function poolWindows(n: NodeContext): Windows | undefined {
  const dims = n.dims(0);
  if (dims === undefined) return undefined;
  const kernel = n.ints("kernel_shape");
  if (kernel === undefined) return n.refuse("read", "kernel_shape is missing");
  if (dims.length < 3) n.refuse("read", `shape [${dims}] is not that of images`);
  const windows = windowsOf(n, kernel, dims.slice(2));
  if (n.string("auto_pad", "NOTSET").startsWith("SAME") && windows.dilations.some((d) => d !== 1)) {
    n.refuse(
      "read",
      "its auto_pad is SAME, for which ONNX Runtime takes no account of its dilations: give pads",
    );
  }
  return windows;
}

/** Images and channels stay, the sizes become the numbers of windows. */
export const pooledType: Infer = (n) => {
  const type = n.type(0);
  if (type === undefined) return [];
  const windows = poolWindows(n);
  if (windows === undefined || type.dims === undefined) return [{ dataType: type.dataType }];
  const sizes = outputSizes(n, windows, type.dims.slice(2), n.int("ceil_mode", 0) !== 0);
  return [{ dataType: type.dataType, dims: [...type.dims.slice(0, 2), ...sizes] }];
};

/** Whether the windows lie side by side from the first point on, and all sizes are known. */
export function tiled(b: Builder, windows: KnownWindows, x: string, y: string): boolean {
  const [big, small] = [b.dims(x).slice(2), b.dims(y).slice(2)];
  return isStatic(big) && isStatic(small) &&
    // Resize has no double kernel.
    b.dataType(x) !== DataType.DOUBLE &&
    windows.kernel.every((k, axis) =>
      k === windows.strides[axis] && windows.dilations[axis] === 1 && windows.begins[axis] === 0 &&
      k * small[axis]! <= big[axis]!
    );
}

/** Each element repeated over its window of a tiling. */
export function repeated(b: Builder, x: string, { kernel }: Windows): string {
  if (kernel.every((k) => k === 1)) return x;
  const scales = b.constant([1, 1, ...kernel], DataType.FLOAT);
  const y = b.op("Resize", [x, undefined, scales], {
    mode: "nearest",
    coordinate_transformation_mode: "asymmetric",
    nearest_mode: "floor",
  });
  const dims = b.dims(x).map((d, k) => k < 2 ? d : product([d, kernel[k - 2]!]));
  b.declare(y, { dataType: b.dataType(x), dims });
  return y;
}

/** Zeros behind what a tiling covers, up to the sizes of `like`. */
export function filledUp(b: Builder, x: string, like: string): string {
  const [from, to] = [b.dims(x), b.dims(like)];
  const missing = to.map((d, k) => k < 2 ? 0 : (d as number) - (from[k] as number));
  if (missing.every((m) => m === 0)) return x;
  return b.op("Pad", [x, b.ints([...missing.map(() => 0), ...missing])]);
}

/** The part of `x` that a tiling covers. */
export function covered(b: Builder, x: string, sizes: readonly Dim[]): string {
  const dims = b.dims(x);
  if (sizes.every((d, k) => d === dims[k + 2])) return x;
  const axes = sizes.map((_, k) => k + 2);
  return b.op("Slice", [
    x,
    b.ints(axes.map(() => 0)),
    b.ints(sizes as readonly number[]),
    b.ints(axes),
  ]);
}

/**
 * The transpose of a sum over windows: at each point of `like` the sum of `dy` over the windows that
 * read it, times `scale`.
 */
export function spread(
  b: Builder,
  dy: string,
  { windows, like, scale = 1 }: {
    readonly windows: KnownWindows;
    readonly like: string;
    readonly scale?: number;
  },
): string {
  if (tiled(b, windows, like, dy)) {
    return filledUp(b, repeated(b, mul(b, dy, scale), windows), like);
  }
  const { kernel, strides, dilations, begins, ends } = windows;
  const within = kernel.every((k, axis) => begins[axis]! < k && ends[axis]! < k);
  if (within && [...strides, ...dilations].every((v) => v === 1)) {
    // With a stride of one, what reads a point is a window again.
    const mean = b.op("AveragePool", [dy], {
      kernel_shape: kernel,
      pads: [
        ...kernel.map((k, a) => k - 1 - begins[a]!),
        ...kernel.map((k, a) => k - 1 - ends[a]!),
      ],
      count_include_pad: 1,
    });
    b.declare(mean, { dataType: b.dataType(dy), dims: b.dims(like) });
    return mul(b, mean, scale * points(windows));
  }
  const weight = b.constant(
    Array.from({ length: points(windows) }, () => scale),
    b.dataType(dy),
    [1, 1, ...kernel],
  );
  const full = convTransposeTo(b, channelsAsImages(b, dy, 1), weight, {
    windows,
    like,
    channels: 1,
  });
  return reshapeLike(b, full, like);
}

/** `[N, C, …]` as `[N·C, channels, …]` of values with `channels` elements for each one. */
export function channelsAsImages(b: Builder, x: string, channels: number): string {
  const [batch, features, ...sizes] = b.dims(x);
  const tail = () => b.op("Shape", [x], { start: 2 });
  const open = sizes.some((d) => typeof d === "string");
  return reshape(
    b,
    x,
    [product([batch!, features!]), channels, ...sizes],
    open
      ? b.op("Concat", [b.ints([-1, channels]), tail()], { axis: 0 })
      : b.ints([-1, channels, ...sizes as number[]]),
  );
}
