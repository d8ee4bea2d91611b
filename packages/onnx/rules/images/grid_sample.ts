/** @module */
import type { Builder, Operand } from "../../graph/builder.ts";
import {
  add,
  DataType,
  dimOf,
  div,
  indicator,
  mul,
  named,
  sub,
  unsqueeze,
  where,
} from "../shared/mod.ts";
import { vectorOf } from "../shared/positions.ts";
import type { NodeContext, OperatorRule } from "../../graph/rule.ts";

/** One axis of the image: its size and the places along it, from 0 on, which need not be whole. */
interface Axis {
  readonly size: Operand;
  readonly at: string;
}

/** A whole place along an axis, and its weight; undefined for 1. */
interface Tap {
  readonly place: string;
  readonly weight: string | undefined;
}

/** Of the cubic kernel, as PyTorch and the standard have it. */
const ALPHA = -0.75;

const lowered = (b: Builder, size: Operand, by: number): Operand =>
  typeof size === "number" ? size - by : sub(b, size, by);

/** Places no further than the first and the last element. */
function clamped(b: Builder, at: string, size: Operand): string {
  return b.op("Clip", [at, b.scalar(0, at), named(b, lowered(b, size, 1), at)]);
}

/** Places folded back at the borders (the middles of the outermost elements, or their edges). */
function reflected(n: NodeContext, { size, at }: Axis): string {
  const { b } = n;
  const aligned = n.int("align_corners", 0) !== 0;
  if (aligned && size === 1) return mul(b, at, 0);
  const low = aligned ? 0 : -0.5;
  const span = named(b, aligned ? lowered(b, size, 1) : size, at);
  const twice = mul(b, span, 2);
  const away = b.op("Abs", [sub(b, at, low)]);
  const rest = sub(b, away, mul(b, b.op("Floor", [div(b, away, twice)]), twice));
  const folded = where(b, b.op("Greater", [rest, span]), sub(b, twice, rest), rest);
  return clamped(b, add(b, folded, low), size);
}

function padded(n: NodeContext, axis: Axis): string {
  switch (n.string("padding_mode", "zeros")) {
    case "border":
      return clamped(n.b, axis.at, axis.size);
    case "reflection":
      return reflected(n, axis);
    default:
      return axis.at;
  }
}

/** `(α+2) d³ − (α+3) d² + 1` up to a distance of 1, `α d³ − 5α d² + 8α d − 4α` from there to 2. */
function cubic(b: Builder, distance: string, near: boolean): string {
  const coefficients = near
    ? [ALPHA + 2, -(ALPHA + 3), 0, 1]
    : [ALPHA, -5 * ALPHA, 8 * ALPHA, -4 * ALPHA];
  // Horner's scheme.
  return coefficients.slice(1).reduce<string>(
    (sum, c, k) => add(b, k === 0 ? sum : mul(b, sum, distance), c),
    mul(b, distance, coefficients[0]!),
  );
}

/** The elements along one axis that a place takes from, with their weights. */
function tapsOf(n: NodeContext, axis: Axis): Tap[] {
  const { b } = n;
  const mode = n.string("mode", "linear");
  if (mode === "nearest") {
    return [{ place: b.op("Round", [padded(n, axis)]), weight: undefined }];
  }
  if (mode === "linear" || mode === "bilinear") {
    const at = padded(n, axis);
    const place = b.op("Floor", [at]);
    const share = sub(b, at, place);
    return [
      { place, weight: sub(b, b.scalar(1, at), share) },
      { place: add(b, place, 1), weight: share },
    ];
  }
  if (mode !== "cubic" && mode !== "bicubic") n.refuse("differentiate", `mode is "${mode}"`);
  const place = b.op("Floor", [axis.at]);
  const share = sub(b, axis.at, place);
  const rest = sub(b, b.scalar(1, share), share);
  // Of each of them the border is minded by itself.
  const tap = (by: number, weight: string): Tap => ({
    place: padded(n, { size: axis.size, at: add(b, place, by) }),
    weight,
  });
  return [
    tap(-1, cubic(b, add(b, share, 1), false)),
    tap(0, cubic(b, share, true)),
    tap(1, cubic(b, rest, true)),
    tap(2, cubic(b, add(b, rest, 1), false)),
  ];
}

/**
 * An image taken at the places of a grid, `y[p] = Σ_q x[q] Π_k w(g_k[p], q_k)`, in any number of
 * axes: the sum goes over the neighbours of each place, whose elements are gathered.
 */
const gridSample: OperatorRule = {
  opType: "GridSample",
  since: 16,
  infer: (n) => {
    const [type, grid] = [n.type(0), n.dims(1)];
    if (type?.dims === undefined || grid === undefined) return [];
    return [{ dataType: type.dataType, dims: [...type.dims.slice(0, 2), ...grid.slice(1, -1)] }];
  },
  expand: (n) => {
    const { b, node } = n;
    const [x, grid] = [n.input(0)!, n.input(1)!];
    const dims = b.dims(x);
    const count = dims.length - 2;
    const aligned = n.int("align_corners", 0) !== 0;
    const points = b.op("Reshape", [grid, b.ints([0, -1, count])]);
    const axes = Array.from({ length: count }, (_, k): Axis => {
      const dim = dims[k + 2]!;
      const size = typeof dim === "number"
        ? dim
        : b.op("Cast", [b.op("Squeeze", [dimOf(b, x, k + 2)])], { to: b.dataType(grid) });
      // The last axis is the first coordinate.
      const place = b.constant([count - 1 - k], DataType.INT64, []);
      const g = add(b, b.op("Gather", [points, place], { axis: 2 }), 1);
      const whole = mul(b, g, named(b, aligned ? lowered(b, size, 1) : size, g));
      return { size, at: mul(b, aligned ? whole : sub(b, whole, 1), 0.5) };
    });
    const flat = b.op("Reshape", [x, b.ints([0, 0, -1])]);
    const taps = axes.map((axis) => tapsOf(n, axis));
    let y: string | undefined;
    for (const chosen of combinations(taps)) {
      let index: string | undefined;
      let weight: string | undefined;
      chosen.forEach(({ place, weight: share }, k) => {
        const { size } = axes[k]!;
        const inside = clamped(b, place, size);
        const valid = indicator(b, b.op("Equal", [inside, place]), place);
        for (const factor of [share, valid]) {
          if (factor !== undefined) weight = weight === undefined ? factor : mul(b, weight, factor);
        }
        const whole = b.op("Cast", [inside], { to: DataType.INT64 });
        index = index === undefined
          ? whole
          : b.op("Add", [b.op("Mul", [index, dimOf(b, x, k + 2)]), whole]);
      });
      const expanded = b.op("Expand", [
        unsqueeze(b, index!, [1]),
        vectorOf(b, [1, dimOf(b, x, 1), 1]),
      ]);
      const taken = b.op("GatherElements", [flat, expanded], { axis: 2 });
      const part = mul(b, taken, castTo(b, unsqueeze(b, weight!, [1]), x));
      y = y === undefined ? part : add(b, y, part);
    }
    const shape = [
      dimOf(b, x, 0),
      dimOf(b, x, 1),
      ...axes.map((_, k) => dimOf(b, grid, k + 1)),
    ];
    b.node("Reshape", [y!, vectorOf(b, shape)], {}, { outputs: node.output });
  },
};

const castTo = (b: Builder, value: string, like: string) =>
  b.dataType(value) === b.dataType(like) ? value : b.op("Cast", [value], { to: b.dataType(like) });

const combinations = <T>(lists: readonly (readonly T[])[]): T[][] =>
  lists.reduce<T[][]>((all, list) => all.flatMap((one) => list.map((x) => [...one, x])), [[]]);

/** Images taken at other places. */
export const gridSamples: readonly OperatorRule[] = [gridSample];
