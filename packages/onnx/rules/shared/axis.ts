/** @module */
import type { Builder } from "../../graph/builder.ts";
import type { Dim } from "../../graph/dims.ts";
import type { NodeContext } from "../../graph/rule.ts";

/** An axis counted from the start; refuses one that the rank does not have. */
export function axisOf(n: NodeContext, axis: number, rank: number): number {
  if (!(axis >= -rank && axis < rank)) {
    n.refuse("read", `axis ${axis} is out of range for rank ${rank}`);
  }
  return axis < 0 ? axis + rank : axis;
}

/** Known integers of an input, without symbols. */
export function numbersOf(n: NodeContext, index: number): readonly number[] | undefined {
  const name = n.input(index);
  const values = name === undefined ? undefined : n.b.known(name);
  return isNumbers(values) ? values : undefined;
}

export function isNumbers(values: readonly Dim[] | undefined): values is readonly number[] {
  return values !== undefined && values.every((v) => typeof v === "number");
}

/** Tensors of more axes are not followed: the length of a shape may be absurd. */
const MOST_AXES = 64;

/** The shape of a value of which only the rank is known, if that. */
export function unknownDims(b: Builder, rank: Dim | undefined): Dim[] | undefined {
  if (typeof rank !== "number" || rank > MOST_AXES) return undefined;
  return Array.from({ length: rank }, () => b.freshDim());
}

/** What is known of input 0, for a node that only changes its shape to one of rank ≤ 1. */
export function passedOn(n: NodeContext): readonly Dim[] | undefined {
  const name = n.input(0);
  const rank = n.b.type(n.node.output[0]!)?.dims?.length;
  return name === undefined || rank === undefined || rank > 1 ? undefined : n.b.known(name);
}

/** Rewrites an attribute that a newer operator set has as input `index`. */
export function attributeAsInput(n: NodeContext, name: string, index: number): boolean {
  const values = n.ints(name);
  if (values === undefined || n.input(index) !== undefined) return false;
  const inputs = Array.from({ length: index }, (_, k) => n.input(k));
  n.b.node(n.node.opType, [...inputs, n.b.ints(values)], {}, { outputs: n.node.output });
  return true;
}
