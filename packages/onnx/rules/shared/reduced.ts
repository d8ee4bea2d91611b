/** @module */
import type { Builder } from "../../graph/builder.ts";
import type { Dim } from "../../graph/dims.ts";
import { countOf } from "../../graph/emit.ts";
import type { GradientContext, Infer, NodeContext } from "../../graph/rule.ts";

/**
 * The axes of a reduction: an attribute before opset 18 (13 for ReduceSum), an input since.
 * "unknown" where they are computed in the graph.
 */
export function axesOf(n: NodeContext): readonly number[] | "all" | "none" | "unknown" {
  const name = n.input(1);
  const given = name === undefined ? n.ints("axes") : n.b.known(name);
  if (given === undefined && name !== undefined) return "unknown";
  if (given === undefined || given.length === 0) {
    return n.int("noop_with_empty_axes", 0) !== 0 ? "none" : "all";
  }
  const rank = n.dims(0)?.length;
  if (rank === undefined || given.some((a) => typeof a !== "number")) return "unknown";
  return (given as readonly number[]).map((a) => {
    if (a < -rank || a >= rank) n.refuse("reduce in", `axis ${a} of a value of rank ${rank}`);
    return a < 0 ? a + rank : a;
  });
}

/** Reduced axes become 1, or go. */
export const reducedType: Infer = (n) => {
  const type = n.type(0);
  if (type === undefined) return [];
  const keep = n.int("keepdims", 1) !== 0;
  const axes = axesOf(n);
  if (axes === "none") return [type];
  if (axes === "all" && !keep) return [{ dataType: type.dataType, dims: [] }];
  if (type.dims === undefined) return [{ dataType: type.dataType }];
  if (axes === "unknown") {
    // Of axes that are computed at least the number is often known (0 would mean all, or none).
    const count = n.type(1)?.dims?.[0];
    const rest = keep ? type.dims.length : type.dims.length - (Number(count) || NaN);
    const dims = rest >= 0 ? Array.from({ length: rest }, () => n.b.freshDim()) : undefined;
    return [{ dataType: type.dataType, dims }];
  }
  const gone = (k: number) => axes === "all" || axes.includes(k);
  const dims = type.dims.flatMap((d, k): Dim[] => gone(k) ? (keep ? [1] : []) : [d]);
  return [{ dataType: type.dataType, dims }];
};

/** A reduced value with its reduced axes as ones, so that it broadcasts against the input. */
export function withAxes(n: GradientContext, value: string): string {
  const { b } = n;
  const axes = axesOf(n);
  // A scalar broadcasts as it is.
  if (axes === "none" || axes === "all" || n.int("keepdims", 1) !== 0) return value;
  if (axes !== "unknown") return b.op("Unsqueeze", [value, b.ints(axes)]);
  // Axes that only the run knows may be empty, which means all: the reduction itself must tell.
  const [x, given] = [n.input(0)!, n.input(1)!];
  const kept = b.op(n.node.opType, [x, given], {
    keepdims: 1,
    noop_with_empty_axes: n.int("noop_with_empty_axes", 0) !== 0 ? 1 : undefined,
  });
  const y = b.op("Reshape", [value, b.op("Shape", [kept])]);
  const dims = b.type(kept)?.dims;
  if (dims !== undefined) b.declare(y, { dataType: b.dataType(value), dims });
  return y;
}

/** How many elements each result of a reduction takes in. */
export function reducedCount(n: GradientContext): ReturnType<typeof countOf> {
  const axes = axesOf(n);
  if (axes === "none") return 1;
  if (axes !== "unknown" && n.dims(0) !== undefined) {
    return countOf(n.b, n.input(0)!, axes === "all" ? undefined : axes);
  }
  return quotientOfSizes(n.b, n.input(0)!, n.outputs[0]!);
}

function quotientOfSizes(b: Builder, x: string, y: string): string {
  const size = (value: string) => b.op("ReduceProd", [b.op("Shape", [value])], { keepdims: 0 });
  return b.op("Cast", [b.op("Div", [size(x), size(y)])], { to: b.dataType(x) });
}

/** Brings a reduction with an `axes` attribute to the form with an `axes` input. */
export function axesAsInput(n: NodeContext, since: number): boolean {
  if (n.opset >= since) return false;
  const axes = n.ints("axes");
  if (axes === undefined || axes.length === 0) return false;
  n.b.node(n.node.opType, [n.input(0), n.b.ints(axes)], { keepdims: n.int("keepdims", 1) }, {
    outputs: n.node.output,
  });
  return true;
}
