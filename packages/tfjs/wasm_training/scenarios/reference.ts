/**
 * Convolutions and windows one place and one tap at a time, in float64.
 *
 * @module
 */
import type { Geometry } from "../kernels/_geometry.ts";

/** Calls with every output place, tap and the place of the image under it. */
function eachPlace(
  { axes }: Geometry,
  call: (out: number, tap: number, at: number) => void,
): void {
  const [, h, w] = axes;
  const places = axes.map(({ out }) => out), taps = axes.map(({ window }) => window);
  const unflat = (i: number, [, b, c]: number[]) => [
    Math.floor(i / (b! * c!)),
    Math.floor(i / c!) % b!,
    i % c!,
  ];
  const count = (sizes: number[]) => sizes.reduce((a, b) => a * b, 1);
  for (let out = 0; out < count(places); out++) {
    for (let tap = 0; tap < count(taps); tap++) {
      const o = unflat(out, places), t = unflat(tap, taps);
      const at = axes.map((a, i) => o[i]! * a.stride + t[i]! * a.dilation - a.before);
      if (at.every((p, i) => p >= 0 && p < axes[i]!.size)) {
        call(out, tap, (at[0]! * h.size + at[1]!) * w.size + at[2]!);
      }
    }
  }
}

/** Both gradients of Σ y̅ (x ∗ w), of a convolution or a depthwise one. */
export function convolutionGradients(
  geometry: Geometry,
  depthwise: boolean,
  x: ArrayLike<number>,
  w: ArrayLike<number>,
  dy: ArrayLike<number>,
): { dx: Float64Array; dw: Float64Array } {
  const { images, channels, filters, axes } = geometry;
  const places = axes.reduce((n, { size }) => n * size, 1);
  const outs = axes.reduce((n, { out }) => n * out, 1);
  const dx = new Float64Array(x.length), dw = new Float64Array(w.length);
  const multiplier = filters / channels;
  for (let n = 0; n < images; n++) {
    eachPlace(geometry, (out, tap, at) => {
      for (let o = 0; o < filters; o++) {
        for (let c = 0; c < channels; c++) {
          if (depthwise && Math.floor(o / multiplier) !== c) continue;
          const i = (n * places + at) * channels + c, g = dy[(n * outs + out) * filters + o]!;
          const k = depthwise ? tap * filters + o : (tap * channels + c) * filters + o;
          dx[i]! += g * w[k]!;
          dw[k]! += g * x[i]!;
        }
      }
    });
  }
  return { dx, dw };
}

/** The largest value of each window, and the gradient of Σ y̅ y for the first place that has it. */
export function maxPoolGradient(
  { images, channels, axes }: Geometry,
  x: ArrayLike<number>,
  dy: ArrayLike<number>,
): { y: Float64Array; dx: Float64Array } {
  const places = axes.reduce((n, { size }) => n * size, 1);
  const outs = axes.reduce((n, { out }) => n * out, 1);
  const y = new Float64Array(dy.length).fill(-Infinity), dx = new Float64Array(x.length);
  const place = new Int32Array(dy.length);
  for (let n = 0; n < images; n++) {
    eachPlace({ images, channels, filters: channels, axes }, (out, _, at) => {
      for (let c = 0; c < channels; c++) {
        const i = (n * places + at) * channels + c, o = (n * outs + out) * channels + c;
        if (x[i]! > y[o]!) [y[o], place[o]] = [x[i]!, i];
      }
    });
  }
  for (let o = 0; o < dy.length; o++) dx[place[o]!]! += dy[o]!;
  return { y, dx };
}
