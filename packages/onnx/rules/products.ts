/** @module */
import type { Builder } from "../graph/builder.ts";
import {
  axesAsInput,
  axesOf,
  type Dim,
  dimOf,
  mul,
  product,
  reducedType,
  reshapeLike,
  sameType,
  transpose,
  unsqueeze,
  zerosLike,
} from "./shared/mod.ts";
import { countTo } from "./shared/positions.ts";
import type { GradientContext, OperatorRule } from "../graph/rule.ts";

/**
 * `y = Π x`: ∂y/∂x_i = Π_{j≠i} x_j, by products alone (never y / x_i), so that zeros among the x are
 * exact to every order.
 */
const reduceProd: OperatorRule = {
  opType: "ReduceProd",
  since: 7,
  upgrade: (n) => axesAsInput(n, 18),
  infer: reducedType,
  evaluate: (n) => {
    const factors = n.b.known(n.node.input[0]!);
    if (factors === undefined || axesOf(n) === "none" || axesOf(n) === "unknown") return undefined;
    // Of several numbers below zero and symbols the product is no size.
    if (factors.some((d) => typeof d === "number" && d < 0)) return undefined;
    return [product(factors)];
  },
  gradient: (n) => {
    const { b } = n;
    const x = n.input(0)!;
    const dims = b.dims(x);
    const axes = reducedAxes(n, dims.length);
    if (axes.length === 0) return [n.cotangent()];
    const kept = dims.flatMap((_, k) => axes.includes(k) ? [] : [k]);
    const perm = [...kept, ...axes];
    const count = product(axes.map((k) => dims[k]!));
    const moved = transpose(b, x, perm);
    const rows = asRows(b, moved, kept.length, [...kept.map((k) => dims[k]!), count]);
    const dy = n.int("keepdims", 1) !== 0
      ? asRows(b, transpose(b, n.cotangent(), perm), kept.length, [...kept.map((k) => dims[k]!), 1])
      : unsqueeze(b, n.cotangent(), [kept.length]);
    const dx = typeof count !== "number"
      ? mul(b, othersByPairs(b, rows), dy)
      : count === 0
      ? zerosLike(b, rows)
      : othersByTree(b, rows, count, dy);
    return [transpose(b, reshapeLike(b, dx, moved), perm.map((_, k) => perm.indexOf(k)))];
  },
};

function reducedAxes(n: GradientContext, rank: number): readonly number[] {
  const axes = axesOf(n);
  if (axes === "unknown") n.refuse("differentiate", "its axes are not known");
  if (axes === "none") return [];
  return axes === "all" ? Array.from({ length: rank }, (_, k) => k) : axes;
}

/** All axes from the `kept`-th on as one; zeros in a shape copy the input's sizes. */
function asRows(b: Builder, x: string, kept: number, dims: readonly Dim[]): string {
  const y = b.op("Reshape", [x, b.ints([...Array.from({ length: kept }, () => 0), -1])]);
  b.declare(y, { dataType: b.dataType(x), dims });
  return y;
}

/**
 * Products of all others along the last axis times `dy`, by a tree of products: up, pairs are
 * multiplied; down, each of a pair takes its parent's result times its sibling. Work is O(count).
 */
function othersByTree(b: Builder, x: string, count: number, dy: string): string {
  if (count === 1) return dy;
  const half = count >> 1;
  const rest = count - 2 * half;
  const cut = (value: string, sizes: readonly number[]) =>
    sizes.length === 1 ? [value] : b.node("Split", [value, b.ints(sizes)], { axis: -1 }, {
      outputs: sizes.length,
    });
  const join = (parts: readonly string[]) =>
    parts.length === 1 ? parts[0]! : b.op("Concat", parts, { axis: -1 });
  const [left, right, ...odd] = cut(x, rest === 0 ? [half, half] : [half, half, rest]);
  const pairs = join([mul(b, left!, right!), ...odd]);
  const down = othersByTree(b, pairs, half + rest, dy);
  const [toPairs, ...toOdd] = cut(down, rest === 0 ? [half] : [half, rest]);
  return join([mul(b, toPairs!, right!), mul(b, toPairs!, left!), ...toOdd]);
}

/** Products of all others along a last axis of unknown size n: n rows, in each another factor 1. */
function othersByPairs(b: Builder, x: string): string {
  const numbers = countTo(b, dimOf(b, x, -1));
  const own = b.op("Equal", [unsqueeze(b, numbers, [1]), unsqueeze(b, numbers, [0])]);
  const rows = b.op("Where", [own, b.scalar(1, x), unsqueeze(b, x, [-2])]);
  return b.op("ReduceProd", [rows, b.ints([-1])], { keepdims: 0 });
}

/** `y_i = Σ_{j ≤ i} x_j` (j < i if exclusive, from the end if reverse): the sum runs back. */
const cumSum: OperatorRule = {
  opType: "CumSum",
  since: 11,
  infer: sameType,
  gradient: (n) => {
    const [exclusive, reverse] = [n.int("exclusive", 0), n.int("reverse", 0)];
    return [
      n.b.op("CumSum", [n.cotangent(), n.input(1)], {
        exclusive: exclusive === 0 ? undefined : 1,
        reverse: reverse === 0 ? 1 : undefined,
      }),
    ];
  },
};

/** The reduction by products, and cumulative sums. */
export const products: readonly OperatorRule[] = [reduceProd, cumSum];
