/** @module */
import { zerosLike } from "../graph/emit.ts";
import { sameType } from "./unary.ts";
import type { GradientContext, NodeContext, OperatorRule } from "./rule.ts";

/** Whether updates are added (else they replace); refuses other reductions. */
function adds(n: NodeContext): boolean {
  const reduction = n.string("reduction", "none");
  if (reduction !== "none" && reduction !== "add") {
    n.refuse("differentiate", `reduction "${reduction}" has no rule, "none" and "add" have`);
  }
  return reduction === "add";
}

/** Gradients of data and updates: replaced data have none, updates are found where they went. */
function scatterGradients(
  n: GradientContext,
  erase: (dy: string, zeros: string) => string,
  take: (dy: string) => string,
): readonly (string | undefined)[] {
  const dy = n.cotangent();
  const add = adds(n);
  const data = () => add ? dy : erase(dy, zerosLike(n.b, n.input(2)!));
  return [n.wants(0) ? data() : undefined, undefined, n.wants(2) ? take(dy) : undefined];
}

/** `y[index[i, j], j] = u[i, j]` (or `+= u[i, j]`) along an axis, elsewhere `x`. */
const scatterElements: OperatorRule = {
  opType: "ScatterElements",
  since: 11,
  infer: sameType,
  gradient: (n) => {
    const { b } = n;
    const axis = n.int("axis", 0);
    return scatterGradients(
      n,
      (dy, zeros) => b.op("ScatterElements", [dy, n.input(1), zeros], { axis }),
      (dy) => b.op("GatherElements", [dy, n.input(1)], { axis }),
    );
  },
};

/** The older name of ScatterElements. */
const scatter: OperatorRule = {
  opType: "Scatter",
  since: 9,
  upgrade: (n) => {
    n.b.node("ScatterElements", n.node.input, { axis: n.int("axis", 0) }, {
      outputs: n.node.output,
    });
    return true;
  },
};

/** `y[index[i…, :]] = u[i…]` (or `+= u[i…]`) with coordinates in the index's last axis, elsewhere `x`. */
const scatterND: OperatorRule = {
  opType: "ScatterND",
  since: 11,
  infer: sameType,
  gradient: (n) => {
    const { b } = n;
    return scatterGradients(
      n,
      (dy, zeros) => b.op("ScatterND", [dy, n.input(1), zeros]),
      (dy) => b.op("GatherND", [dy, n.input(1)]),
    );
  },
};

/** Putting elements by index. */
export const scatters: readonly OperatorRule[] = [scatterElements, scatter, scatterND];
