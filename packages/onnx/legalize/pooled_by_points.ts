/** @module */
import { type Dim, isStatic } from "../graph/dims.ts";
import { add, div, mul, powerOf, reshape, rootOf } from "../graph/emit.ts";
import type { NodeContext } from "../graph/rule.ts";
import { intsAttribute } from "../model/attributes.ts";
import type { NodeProto } from "../proto/onnx_pb.ts";
import { padded, taps } from "../rules/convolution/conv_emit.ts";
import { pooledType, poolWindows } from "../rules/pooling/pool_emit.ts";
import { coveringPadding, type KnownWindows, points } from "../rules/shared/windows.ts";

/** Whether windows have gaps. */
export const isDilated = (node: NodeProto): boolean =>
  intsAttribute(node, "dilations", [1]).some((d) => d !== 1);

/**
 * A mean or p-norm over windows with gaps (or, with `ceil`, over such as stick out), point by point:
 * operator sets before 19 have no dilations of AveragePool, and the kernels of GPUs do not know them.
 * Undefined for other nodes, and where sizes are not known.
 */
export function pooledByPoints(n: NodeContext, ceil: boolean): string | undefined {
  const { opType } = n.node;
  if (opType !== "AveragePool" && opType !== "LpPool") return undefined;
  if (!isDilated(n.node) && !(ceil && n.int("ceil_mode", 0) !== 0)) return undefined;
  const { begins, ends, ...rest } = poolWindows(n) ?? {};
  const [input, output] = [n.dims(0)?.slice(2), pooledType(n)[0]?.dims?.slice(2)];
  if (begins === undefined || ends === undefined || !isStatic(input) || !isStatic(output)) {
    return undefined;
  }
  const given = { ...rest, begins, ends } as KnownWindows;
  const windows = coveringPadding(given, input, output);
  return opType === "LpPool" ? norm(n, windows, output) : mean(n, { given, windows, output });
}

/** `Σ_k v[p·stride + k·dilation − begin]`. */
function total(n: NodeContext, v: string, windows: KnownWindows, output: readonly Dim[]): string {
  const { b } = n;
  return taps(b, padded(b, v, windows), windows, output).reduce((sum, tap) => add(b, sum, tap));
}

function norm(n: NodeContext, windows: KnownWindows, output: readonly Dim[]): string {
  const { b } = n;
  const p = n.int("p", 2);
  return rootOf(b, total(n, powerOf(b, b.op("Abs", [n.input(0)!]), p), windows, output), p);
}

/** The points of a window that count: those within the input, or within its padding too. */
function mean(n: NodeContext, { given, windows, output }: {
  readonly given: KnownWindows;
  readonly windows: KnownWindows;
  readonly output: readonly number[];
}): string {
  const { b } = n;
  const sum = total(n, n.input(0)!, windows, output);
  const sizes = n.dims(0)!.slice(2) as readonly number[];
  const included = n.int("count_include_pad", 0) !== 0;
  let counts = [1];
  sizes.forEach((size, axis) => {
    const [begin, end] = [given.begins[axis]!, given.ends[axis]!];
    const [from, to] = included ? [-begin, size + end] : [0, size];
    const along = Array.from({ length: output[axis]! }, (_, at) => {
      const start = at * given.strides[axis]! - begin;
      let count = 0;
      for (let k = 0; k < given.kernel[axis]!; k++) {
        const place = start + k * given.dilations[axis]!;
        if (place >= from && place < to) count++;
      }
      return count;
    });
    counts = counts.flatMap((c) => along.map((a) => c * a));
  });
  if (counts.every((c) => c === points(given))) return mul(b, sum, 1 / points(given));
  const table = b.constant(counts, b.dataType(sum), [counts.length]);
  return div(b, sum, reshape(b, table, [1, 1, ...output]));
}
