/** @module */
import type { Dim } from "../graph/dims.ts";
import { add, axisOf, numbersOf, reduceSum, reshapeLike, sub, sumOf } from "./shared/mod.ts";
import { positionsOf, scatterToPositions } from "./shared/positions.ts";
import type { GradientContext, NodeContext, OperatorRule } from "../graph/rule.ts";

/**
 * Elements added at both ends of axes (or taken away, where the number is negative): a constant,
 * or copies of others, to which the gradient of the copies is added.
 */
const pad: OperatorRule = {
  opType: "Pad",
  since: 7,
  constants: [2],
  upgrade: (n) => {
    const { b } = n;
    if (n.opset >= 11) return false;
    const mode = n.string("mode", "constant");
    const value = n.float("value", 0);
    const fill = mode !== "constant" || value === 0 ? undefined : b.scalar(value, n.input(0)!);
    b.node("Pad", [n.input(0), b.ints(n.ints("pads") ?? []), fill], { mode }, {
      outputs: n.node.output,
    });
    return true;
  },
  infer: (n) => {
    const type = n.type(0);
    if (type === undefined) return [];
    const { dataType, dims } = type;
    if (dims === undefined) return [{ dataType }];
    const pads = padsOf(n, dims.length);
    const result = dims.map((d, k): Dim => {
      if (pads === undefined) return n.b.freshDim();
      const more = pads[k]! + pads[k + dims.length]!;
      if (pads[k] === 0 && more === 0) return d;
      if (typeof d !== "number") return sumOf(d, more) ?? n.b.freshDim();
      if (d + more < 0) n.refuse("read", `shape [${dims}] is padded by [${pads}]`);
      return d + more;
    });
    return [{ dataType, dims: result }];
  },
  gradient: (n) => {
    const { b } = n;
    const [x, dy] = [n.input(0)!, n.cotangent()];
    if (n.string("mode", "constant") !== "constant") return [folded(n) ?? byPosition(n)];
    const dx = n.wants(0) || n.wants(2) ? cropped(n) : undefined;
    const fill = () => {
      const outside = sub(
        b,
        reduceSum(b, dy, undefined, false),
        reduceSum(b, dx!, undefined, false),
      );
      return reshapeLike(b, outside, n.input(2)!);
    };
    if (dx !== undefined && n.wants(0)) b.declare(dx, b.type(x)!);
    return [n.wants(0) ? dx : undefined, undefined, n.wants(2) ? fill() : undefined];
  },
};

/** The pads of every axis, `[before…, after…]`, where they are known. */
function padsOf(n: NodeContext, rank: number): readonly number[] | undefined {
  const given = numbersOf(n, 1);
  if (given === undefined) return undefined;
  const axes = n.input(3) === undefined
    ? Array.from({ length: rank }, (_, k) => k)
    : numbersOf(n, 3)?.map((a) => axisOf(n, a, rank));
  if (axes === undefined) return undefined;
  if (given.length !== 2 * axes.length) {
    n.refuse("read", `${given.length} pads for ${axes.length} axes`);
  }
  const pads = Array.from({ length: 2 * rank }, () => 0);
  axes.forEach((axis, k) => {
    pads[axis] = given[k]!;
    pads[rank + axis] = given[axes.length + k]!;
  });
  return pads;
}

/** The part of the gradient that belongs to the input. */
function cropped(n: GradientContext): string {
  const { b } = n;
  const dy = n.cotangent();
  const dims = b.dims(dy);
  const pads = padsOf(n, dims.length);
  if (pads === undefined || pads.some((p) => p < 0)) {
    // Padding by the opposite takes away what was added, and puts zeros where something was lost.
    const opposite = pads === undefined
      ? b.op("Neg", [n.input(1)!])
      : b.ints(pads.map((p) => p === 0 ? 0 : -p));
    return b.op("Pad", [dy, opposite, undefined, pads === undefined ? n.input(3) : undefined]);
  }
  const rank = dims.length;
  const cut = dims.flatMap((_, k) => pads[k]! + pads[rank + k]! > 0 ? [k] : []);
  if (cut.length === 0) return dy;
  const ends = cut.map((k) => pads[rank + k] === 0 ? 2 ** 31 - 1 : -pads[rank + k]!);
  return b.op("Slice", [dy, b.ints(cut.map((k) => pads[k]!)), b.ints(ends), b.ints(cut)]);
}

/**
 * The part of the gradient that belongs to the input, to which each border is added where it was copied
 * from, axis by axis; undefined where the borders are not known, or are copied from more than once.
 */
function folded(n: GradientContext): string | undefined {
  const { b } = n;
  const dims = b.dims(n.input(0)!);
  const rank = dims.length;
  const pads = padsOf(n, rank);
  if (pads === undefined) return undefined;
  const mode = n.string("mode", "constant");
  const most = (size: number) => mode === "edge" ? Infinity : mode === "wrap" ? size : size - 1;
  const fits = dims.every((size, k) => {
    const [before, after] = [pads[k]!, pads[rank + k]!];
    if (before === 0 && after === 0) return true;
    return typeof size === "number" && Math.min(before, after) >= 0 &&
      Math.max(before, after) <= most(size);
  });
  if (!fits) return undefined;
  let dy = n.cotangent();
  dims.forEach((size, axis) => {
    const [before, after] = [pads[axis]!, pads[rank + axis]!];
    if (typeof size !== "number" || before + after === 0) return;
    const part = (from: number, count: number) =>
      b.op("Slice", [dy, b.ints([from]), b.ints([from + count]), b.ints([axis])]);
    /** Elements `from, from − 1, …`. */
    const mirrored = (from: number, count: number) =>
      b.op("Gather", [dy, b.ints(Array.from({ length: count }, (_, k) => from - k))], { axis });
    const border = (from: number, count: number) =>
      mode === "reflect"
        ? mirrored(from + count - 1, count)
        : mode === "wrap"
        ? part(from, count)
        : reduceSum(b, part(from, count), [axis], true);
    const placed = (value: string, at: number, count: number) => {
      const around = Array.from({ length: 2 * rank }, () => 0);
      around[axis] = at;
      around[rank + axis] = size - at - count;
      return b.op("Pad", [value, b.ints(around)]);
    };
    let sum = part(before, size);
    if (before > 0) {
      const at = mode === "reflect" ? 1 : mode === "wrap" ? size - before : 0;
      sum = add(b, sum, placed(border(0, before), at, mode === "edge" ? 1 : before));
    }
    if (after > 0) {
      const count = mode === "edge" ? 1 : after;
      const at = mode === "reflect" ? size - 1 - after : mode === "wrap" ? 0 : size - 1;
      sum = add(b, sum, placed(border(before + size, after), at, count));
    }
    dy = sum;
  });
  b.declare(dy, b.type(n.input(0)!)!);
  return dy;
}

/** Copies: padding the positions in the same way tells what each element is a copy of. */
function byPosition(n: GradientContext): string {
  const { b } = n;
  const x = n.input(0)!;
  const copied = b.node("Pad", [positionsOf(b, x), n.input(1), undefined, n.input(3)], {
    mode: n.string("mode", "constant"),
  })[0]!;
  return scatterToPositions(b, n.cotangent(), copied, x);
}

/** Borders. */
export const pads: readonly OperatorRule[] = [pad];
