/** @module */
import type { Builder } from "../../graph/builder.ts";
import { isStatic } from "../../graph/dims.ts";
import type { NodeContext } from "../../graph/rule.ts";

/** All axes' pads; copies of the other end, which operator set 12 does not know, joined. */
export function padOf(n: NodeContext): string | undefined {
  const { b } = n;
  const dims = n.dims(0);
  const rank = dims?.length;
  const pads = b.known(n.input(1)!);
  const mode = n.string("mode", "constant");
  const axes = n.input(3) === undefined ? dims?.map((_, k) => k) : b.known(n.input(3)!);
  if (n.input(3) === undefined && mode !== "wrap") return undefined;
  if (dims === undefined || rank === undefined || !isStatic(pads) || !isStatic(axes)) {
    return undefined;
  }
  const all = Array.from({ length: 2 * rank }, () => 0);
  axes.forEach((a, k) => {
    const axis = a < 0 ? a + rank : a;
    all[axis] = pads[k]!;
    all[rank + axis] = pads[axes.length + k]!;
  });
  if (mode !== "wrap") return b.op("Pad", [n.input(0), b.ints(all), n.input(2)], { mode });
  return isStatic(dims) ? wrapped(b, n.input(0)!, dims, all) : undefined;
}

/** The end of each axis before it, and its beginning behind it. */
function wrapped(
  b: Builder,
  x: string,
  dims: readonly number[],
  pads: readonly number[],
): string | undefined {
  if (dims.some((d, k) => [pads[k]!, pads[dims.length + k]!].some((p) => p < 0 || p > d))) {
    return undefined;
  }
  return dims.reduce((y, size, axis) => {
    const [before, after] = [pads[axis]!, pads[dims.length + axis]!];
    const part = (from: number, to: number) =>
      from === to ? [] : [b.op("Slice", [y, b.ints([from]), b.ints([to]), b.ints([axis])])];
    const parts = [...part(size - before, size), y, ...part(0, after)];
    return parts.length === 1 ? y : b.op("Concat", parts, { axis });
  }, x);
}
