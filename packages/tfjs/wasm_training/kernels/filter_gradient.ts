/** @module */
import * as tf from "@tensorflow/tfjs-core";
import { onArrays, type WasmBackend } from "../host.ts";
import type { Functions } from "../code/module.ts";
import { type Axis, eachTap, type Geometry, placesOf, stepsOf } from "./_geometry.ts";

/** The gradient of a convolution by its filter, `w̅[t, c, o] = Σ x[t + …, c] y̅[…, o]`. */
export function filterGradient(
  backend: WasmBackend,
  kernel: string,
  geometry: Geometry,
  x: tf.TensorInfo,
  dy: tf.TensorInfo,
  filterShape: number[],
): tf.TensorInfo {
  const dw = backend.makeOutput(filterShape, "float32");
  onArrays(backend, { kernel, inputs: [x, dy], outputs: [dw] }, (functions, addresses) => {
    // Few channels fill no vector, but those of taps side by side do: they lie side by side.
    const wide = geometry.channels % 4 !== 0 && geometry.axes[2].dilation === 1;
    accumulate(functions, wide ? sideBySide(geometry) : tapByTap(geometry), geometry, addresses);
  });
  return dw;
}

/** Taps that are summed over the same places of the output. */
interface Group {
  readonly tap: number;
  /** How many taps side by side. */
  readonly taps: number;
  readonly first: readonly [number, number, number];
  readonly count: readonly [number, number, number];
  readonly at: readonly [number, number, number];
}

function tapByTap(geometry: Geometry): Group[] {
  const groups: Group[] = [];
  eachTap(geometry, (tap, places) => {
    const of = (key: "first" | "count" | "at") =>
      places.map((p) => p[key]) as unknown as Group["first"];
    groups.push({ tap, taps: 1, first: of("first"), count: of("count"), at: of("at") });
  });
  return groups;
}

function sideBySide(geometry: Geometry): Group[] {
  const [depth, height, width] = geometry.axes;
  const runs = runsOf(width);
  // One tap along the width stands for all.
  return tapByTap({ ...geometry, axes: [depth, height, { ...width, ...whole(width) }] }).flatMap(
    (row) =>
      runs.map(({ first, count, tap, taps }): Group => ({
        tap: row.tap * width.window + tap,
        taps,
        first: [row.first[0], row.first[1], first],
        count: [row.count[0], row.count[1], count],
        at: [row.at[0], row.at[1], first * width.stride + tap - width.before],
      })),
  );
}

/** An axis of one tap that is everywhere on the image. */
function whole({ out }: Axis): Partial<Axis> {
  return { window: 1, stride: 1, before: 0, size: out };
}

/** Places side by side that have the same taps on the image. */
function runsOf(axis: Axis): { first: number; count: number; tap: number; taps: number }[] {
  const runs: { first: number; count: number; tap: number; taps: number }[] = [];
  const places = Array.from({ length: axis.window }, (_, tap) => placesOf(axis, tap));
  for (let i = 0; i < axis.out; i++) {
    const on = places.map(({ first, count }) => i >= first && i < first + count);
    const tap = on.indexOf(true), taps = on.filter((yes) => yes).length;
    const last = runs.at(-1);
    if (last && last.tap === tap && last.taps === taps) last.count++;
    else runs.push({ first: i, count: 1, tap, taps });
  }
  return runs.filter(({ taps }) => taps > 0);
}

function accumulate(
  { outer }: Functions,
  groups: readonly Group[],
  { axes, images, channels, filters }: Geometry,
  [x, dy, dw]: readonly number[],
): void {
  const xs = stepsOf(axes, "size", channels), ds = stepsOf(axes, "out", filters);
  const [depth, height, width] = axes;
  const flat = depth.size === 1 && depth.out === 1;
  for (const { tap, taps, first, count, at } of groups) {
    const from = x! + at[0] * xs.depth + at[1] * xs.row + at[2] * xs.column;
    const gradient = dy! + first[0] * ds.depth + first[1] * ds.row + first[2] * ds.column;
    // The function knows three axes: those of a volume, or rows and columns of every image.
    for (let n = 0; n < (flat ? 1 : images); n++) {
      outer(
        ...[from + n * xs.image, gradient + n * ds.image, dw! + 4 * tap * channels * filters],
        ...[flat ? images : count[0], count[1], count[2], taps * channels, filters],
        ...[flat ? xs.image : depth.stride * xs.depth, height.stride * xs.row],
        ...[width.stride * xs.column, flat ? ds.image : ds.depth, ds.row, ds.column],
      );
    }
  }
}
