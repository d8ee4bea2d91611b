/** @module */
import type { Builder } from "../../graph/builder.ts";
import type { Dim } from "../../graph/dims.ts";
import { dimOf } from "../../graph/emit.ts";
import { type KnownWindows, offsets, points, span } from "../shared/windows.ts";

/** Slices to the end of an axis. */
const END = 2 ** 31 - 1;

const spatial = (b: Builder, x: string): readonly Dim[] => b.dims(x).slice(2);
const axesOf = (windows: KnownWindows) => windows.kernel.map((_, k) => k + 2);
const plain = (values: readonly number[], common: number) =>
  values.every((v) => v === common) ? undefined : values;

/** The attributes of a convolution, without those that are the default. */
export function convAttributes(
  { strides, dilations, begins, ends }: KnownWindows,
  group: number,
): Record<string, readonly number[] | number | undefined> {
  return {
    strides: plain(strides, 1),
    dilations: plain(dilations, 1),
    pads: plain([...begins, ...ends], 0),
    group: group === 1 ? undefined : group,
  };
}

/** Whether the transpose of a convolution is one, too: no window lies in the padding alone. */
export function isTurnable(windows: KnownWindows): boolean {
  return windows.strides.every((s) => s === 1) &&
    windows.kernel.every((_, k) =>
      Math.max(windows.begins[k]!, windows.ends[k]!) < span(windows, k)
    );
}

/** The windows of the transpose of a convolution, which is one with the `turned` weights. */
export function turnedWindows(windows: KnownWindows): KnownWindows {
  const rest = (pads: readonly number[]) => pads.map((p, k) => span(windows, k) - 1 - p);
  return { ...windows, begins: rest(windows.begins), ends: rest(windows.ends) };
}

/** Weights with their windows turned round. */
export function turned(b: Builder, weight: string): string {
  const dims = b.dims(weight);
  const axes = dims.slice(2).map((_, k) => k + 2);
  const y = b.op("Slice", [
    weight,
    b.ints(axes.map(() => -1)),
    b.ints(axes.map(() => -END)),
    b.ints(axes),
    b.ints(axes.map(() => -1)),
  ]);
  b.declare(y, { dataType: b.dataType(weight), dims });
  return y;
}

/**
 * The transpose of `X ↦ Conv(X, W)` for one channel a group and strides of 1: a convolution with the
 * window turned round, which is nearly twice as fast as ConvTranspose there (and only there).
 */
export function depthwiseTranspose(
  b: Builder,
  dy: string,
  weight: string,
  { windows, group, like }: {
    readonly windows: KnownWindows;
    readonly group: number;
    readonly like: string;
  },
): string | undefined {
  const [outputs, inputs] = b.dims(weight);
  const depthwise = group > 1 && outputs === group && inputs === 1;
  if (!depthwise || !isTurnable(windows)) return undefined;
  const dx = b.op(
    "Conv",
    [dy, turned(b, weight)],
    convAttributes(turnedWindows(windows), group),
  );
  b.declare(dx, { dataType: b.dataType(dy), dims: b.dims(like) });
  return dx;
}

/**
 * The transpose of `X ↦ Conv(X, W)`: a ConvTranspose whose result has the sizes of `like`, also
 * where the stride left a remainder that no window read.
 */
export function convTransposeTo(
  b: Builder,
  dy: string,
  weight: string,
  { windows, group = 1, like, channels = b.dims(like)[1]! }: {
    readonly windows: KnownWindows;
    readonly group?: number;
    readonly like: string;
    /** Default: those of `like`. */
    readonly channels?: Dim;
  },
): string {
  const [big, small] = [spatial(b, like), spatial(b, dy)];
  const unread = big.map((size, k) => {
    const stride = windows.strides[k]!;
    if (stride === 1) return 0;
    const [from, to] = [small[k], size];
    if (typeof from !== "number" || typeof to !== "number") return undefined;
    return to - (from - 1) * stride - span(windows, k) + windows.begins[k]! + windows.ends[k]!;
  });
  const padding = unread.map((rest, k) => rest ?? windows.strides[k]! - 1);
  const full = b.op("ConvTranspose", [dy, weight], {
    ...convAttributes(windows, group),
    output_padding: plain(padding, 0),
  });
  const dims = [b.dims(dy)[0]!, channels, ...big];
  if (unread.some((rest) => rest === undefined)) {
    // The largest remainder was asked for; what is too much is cut off.
    const at = axesOf(windows);
    const cut = b.op("Slice", [
      full,
      b.ints(at.map(() => 0)),
      b.op("Concat", at.map((k) => dimOf(b, like, k)), { axis: 0 }),
      b.ints(at),
    ]);
    b.declare(cut, { dataType: b.dataType(dy), dims });
    return cut;
  }
  b.declare(full, { dataType: b.dataType(dy), dims });
  return full;
}

/** A value with the padding of its windows, by zeros or a given number. */
export function padded(
  b: Builder,
  x: string,
  { begins, ends }: KnownWindows,
  value?: number,
): string {
  if ([...begins, ...ends].every((p) => p === 0)) return x;
  const pads = b.ints([0, 0, ...begins, 0, 0, ...ends]);
  const dims = b.dims(x);
  const y = b.op("Pad", [x, pads, value === undefined ? undefined : b.scalar(value, x)]);
  const sizes = dims.map((d, k) =>
    k < 2 ? d : typeof d === "number" ? d + begins[k - 2]! + ends[k - 2]! : b.freshDim()
  );
  b.declare(y, { dataType: b.dataType(x), dims: sizes });
  return y;
}

/** Most points of a window that is taken apart: each becomes a node. */
const MOST_TAPS = 4096;

function checkPoints(windows: KnownWindows): void {
  const count = points(windows);
  if (count > MOST_TAPS) throw new RangeError(`windows of ${count} points are too large`);
}

/**
 * For each point of a window the elements of the padded `x` that it reads: one strided slice with
 * the spatial sizes `output` a point.
 */
export function taps(
  b: Builder,
  x: string,
  windows: KnownWindows,
  output: readonly Dim[],
): string[] {
  const dims = b.dims(x);
  const { strides, dilations } = windows;
  const axes = axesOf(windows);
  const count = points(windows);
  checkPoints(windows);
  if (
    count === 1 && strides.every((s) => s === 1) &&
    axes.every((a, k) => dims[a] === output[k])
  ) return [x];
  return offsets(windows).map((at) => {
    const starts = at.map((k, axis) => k * dilations[axis]!);
    const ends = starts.map((start, axis) => {
      const size = output[axis]!;
      if (typeof size === "number") return start + (size - 1) * strides[axis]! + 1;
      // Counted from the end, so that an unknown size need not be computed.
      return start - span(windows, axis) + 1 || END;
    });
    const y = b.op("Slice", [
      x,
      b.ints(starts),
      b.ints(ends),
      b.ints(axes),
      ...(strides.some((s) => s !== 1) ? [b.ints(strides)] : []),
    ]);
    b.declare(y, { dataType: b.dataType(x), dims: [dims[0]!, dims[1]!, ...output] });
    return y;
  });
}

/**
 * For every point of a window the elements of the padded `x` that it reads, one after the other along
 * the second axis: `[A, points · B, output…]` of `[A, B, …]`. Axis by axis, in far fewer nodes than a
 * slice a point.
 */
export function unfolded(
  b: Builder,
  x: string,
  windows: KnownWindows,
  output: readonly Dim[],
): string {
  checkPoints(windows);
  let y = x;
  for (let axis = windows.kernel.length - 1; axis >= 0; axis--) {
    const only = (values: readonly number[]) => values.map((v, k) => k === axis ? v : 1);
    const along: KnownWindows = {
      ...windows,
      kernel: only(windows.kernel),
      strides: only(windows.strides),
      dilations: only(windows.dilations),
    };
    const slices = taps(b, y, along, spatial(b, y).with(axis, output[axis]!));
    y = slices.length === 1 ? slices[0]! : b.op("Concat", slices, { axis: 1 });
  }
  return y;
}
