/** @module */
import {
  div,
  expandLike,
  indicator,
  mul,
  neg,
  reduceSum as sumOver,
  signOf,
  where,
} from "../graph/emit.ts";
import type { Builder } from "../graph/builder.ts";
import { DataType } from "../model/data_type.ts";
import { axesAsInput, axesOf, reducedCount, reducedType, withAxes } from "./shared/reduced.ts";
import type { GradientContext, OperatorRule } from "../graph/rule.ts";

/** A reduction; `share` makes ∂x from ∂y and y, both with the reduced axes as ones. */
function reduction(
  opType: string,
  axesAreInputsSince: number,
  share: (n: GradientContext, dy: string, y: () => string) => string,
): OperatorRule {
  return {
    opType,
    since: 7,
    upgrade: (n) => axesAsInput(n, axesAreInputsSince),
    infer: reducedType,
    gradient: (n) => {
      const each = share(n, withAxes(n, n.cotangent()), () => withAxes(n, n.outputs[0]!));
      return [expandLike(n.b, each, n.input(0)!)];
    },
  };
}

/** `y = Σ x`: ∂y/∂x = 1. */
const reduceSum = reduction("ReduceSum", 13, (_, dy) => dy);

/** `y = Σ x / n`: ∂y/∂x = 1/n. Dividing before expanding touches fewer elements. */
const reduceMean = reduction("ReduceMean", 18, (n, dy) => div(n.b, dy, reducedCount(n)));

/** `y = Σ x²`: ∂y/∂x = 2x. */
const reduceSumSquare = reduction(
  "ReduceSumSquare",
  18,
  (n, dy) => mul(n.b, n.input(0)!, mul(n.b, dy, 2)),
);

/** `y = Σ |x|`: ∂y/∂x = sign x, 0 at 0. */
const reduceL1 = reduction("ReduceL1", 18, (n, dy) => mul(n.b, signOf(n.b, n.input(0)!), dy));

/** `y = √Σ x²`: ∂y/∂x = x/y, and 0 (of the subgradients the smallest) where y = 0. */
const reduceL2 = reduction(
  "ReduceL2",
  18,
  (n, dy, y) => mul(n.b, n.input(0)!, div(n.b, dy, nonZero(n.b, y()))),
);

/** `y = log Σ x`: ∂y/∂x = e⁻ʸ. */
const reduceLogSum = reduction(
  "ReduceLogSum",
  18,
  (n, dy, y) => mul(n.b, dy, n.b.op("Exp", [neg(n.b, y())])),
);

/** `y = log Σ eˣ`: ∂y/∂x = eˣ⁻ʸ. */
const reduceLogSumExp = reduction("ReduceLogSumExp", 18, (n, dy, y) => {
  const { b } = n;
  const value = y();
  // Where every x is −∞ (a row that is masked out), −∞ + ∞ would be NaN; with a finite y it is 0.
  const lowest = b.dataType(value) === DataType.FLOAT16 ? -65504 : -3e38;
  const finite = b.op("Max", [value, b.scalar(lowest, value)]);
  return mul(b, dy, b.op("Exp", [b.op("Sub", [n.input(0)!, finite])]));
});

/**
 * `y = max x` (or min): the gradient goes to the elements that equal y, in equal parts where several
 * do (as in PyTorch's amax; a max pool in contrast chooses the first).
 */
const extreme = (opType: string) =>
  reduction(opType, 18, (n, dy, y) => {
    const { b } = n;
    const x = n.input(0)!;
    const chosen = indicator(b, b.op("Equal", [x, y()]), x);
    return mul(b, chosen, div(b, dy, countWithin(n, chosen)));
  });

/** The sum of a value over the node's axes, these as ones. */
function countWithin(n: GradientContext, value: string): string {
  const axes = axesOf(n);
  if (axes === "none") return value;
  if (axes === "all") return sumOver(n.b, value, undefined, true);
  if (axes !== "unknown") return sumOver(n.b, value, axes, true);
  return n.b.op("ReduceSum", [value, n.input(1)], {
    keepdims: 1,
    noop_with_empty_axes: n.int("noop_with_empty_axes", 0) !== 0 ? 1 : undefined,
  });
}

/** The value, 1 where it is 0. */
export const nonZero = (b: Builder, x: string): string =>
  where(b, b.op("Equal", [x, b.scalar(0, x)]), 1, x);

/** Reductions. */
export const reductions: readonly OperatorRule[] = [
  reduceSum,
  reduceMean,
  reduceSumSquare,
  reduceL1,
  reduceL2,
  reduceLogSum,
  reduceLogSumExp,
  extreme("ReduceMax"),
  extreme("ReduceMin"),
];
