/** @module */
import * as tf from "@tensorflow/tfjs-core";

/** One spatial axis of a convolution. */
export interface Axis {
  readonly size: number;
  readonly out: number;
  readonly window: number;
  readonly stride: number;
  readonly dilation: number;
  /** Places before the image. */
  readonly before: number;
}

/** A convolution or depthwise convolution in three dimensions; in two, the first has one place. */
export interface Geometry {
  readonly images: number;
  readonly channels: number;
  readonly filters: number;
  readonly axes: readonly [depth: Axis, height: Axis, width: Axis];
}

const flat: Axis = { size: 1, out: 1, window: 1, stride: 1, dilation: 1, before: 0 };

type Info2D = tf.backend_util.Conv2DInfo;

/** The geometry of what tfjs computes for two dimensions. */
export function geometry2D(info: Info2D): Geometry {
  return {
    images: info.batchSize,
    channels: info.inChannels,
    filters: info.outChannels,
    axes: [flat, {
      size: info.inHeight,
      out: info.outHeight,
      window: info.filterHeight,
      stride: info.strideHeight,
      dilation: info.dilationHeight,
      before: info.padInfo.top,
    }, {
      size: info.inWidth,
      out: info.outWidth,
      window: info.filterWidth,
      stride: info.strideWidth,
      dilation: info.dilationWidth,
      before: info.padInfo.left,
    }],
  };
}

/** The same for three. */
export function geometry3D(info: tf.backend_util.Conv3DInfo): Geometry {
  return {
    ...geometry2D(info as unknown as Info2D),
    axes: [{
      size: info.inDepth,
      out: info.outDepth,
      window: info.filterDepth,
      stride: info.strideDepth,
      dilation: info.dilationDepth,
      before: info.padInfo.front,
    }, ...geometry2D(info as unknown as Info2D).axes.slice(1) as [Axis, Axis]],
  };
}

/** The outputs whose tap lies on the image, and where the tap of the first of them lies. */
export interface Places {
  readonly first: number;
  readonly count: number;
  readonly at: number;
}

/** The places of a tap: those i with 0 ≤ i · stride + tap · dilation − before < size. */
export function placesOf(axis: Axis, tap: number): Places {
  const { size, out, stride, dilation, before } = axis;
  const shift = tap * dilation - before;
  const first = Math.max(0, Math.ceil(-shift / stride));
  const end = Math.min(out, Math.floor((size - 1 - shift) / stride) + 1);
  return { first, count: Math.max(0, end - first), at: first * stride + shift };
}

/** Calls with every tap, its number in the filter and its places on each axis. */
export function eachTap(
  { axes }: Geometry,
  call: (tap: number, places: readonly [Places, Places, Places]) => void,
): void {
  const [d, h, w] = axes.map((axis) =>
    Array.from({ length: axis.window }, (_, tap) => placesOf(axis, tap))
  ) as [Places[], Places[], Places[]];
  let tap = 0;
  for (const depth of d) {
    for (const row of h) {
      for (const column of w) {
        const places = [depth, row, column] as const;
        if (places.every((p) => p.count > 0)) call(tap, places);
        tap++;
      }
    }
  }
}

/** Bytes from one place to the next along depth, height and width, and from image to image. */
export interface Steps {
  readonly image: number;
  readonly depth: number;
  readonly row: number;
  readonly column: number;
}

/** Steps over the input or the output of a convolution. */
export function stepsOf(axes: Geometry["axes"], side: "size" | "out", channels: number): Steps {
  const column = 4 * channels, row = axes[2][side] * column, depth = axes[1][side] * row;
  return { column, row, depth, image: axes[0][side] * depth };
}
