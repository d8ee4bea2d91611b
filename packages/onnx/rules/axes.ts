/** @module */
import {
  attributeAsInput,
  axisOf,
  type Dim,
  isStatic,
  numbersOf,
  passedOn,
  product,
  reshapeLike,
  unknownDims,
} from "./shared/mod.ts";
import type { OperatorRule } from "../graph/rule.ts";

/** Drops axes of size one: the gradient puts them back. */
const squeeze: OperatorRule = {
  opType: "Squeeze",
  since: 7,
  upgrade: (n) => n.opset < 13 && attributeAsInput(n, "axes", 1),
  infer: (n) => {
    const type = n.type(0);
    if (type === undefined) return [];
    const { dataType, dims } = type;
    const axes = numbersOf(n, 1);
    if (dims === undefined) return [{ dataType }];
    if (axes === undefined) {
      const given = n.input(1);
      const count = given === undefined ? undefined : n.b.type(given)?.dims?.[0];
      // The axes come from the graph, but how many there are is known.
      if (typeof count === "number") {
        return [{ dataType, dims: unknownDims(n.b, Math.max(0, dims.length - count)) }];
      }
      if (given !== undefined || !isStatic(dims)) return [{ dataType }];
      return [{ dataType, dims: dims.filter((d) => d !== 1) }];
    }
    const gone = new Set(axes.map((a) => axisOf(n, a, dims.length)));
    for (const k of gone) {
      if (typeof dims[k] === "number" && dims[k] !== 1) {
        n.refuse("squeeze in", `axis ${k} of shape [${dims}] is not 1`);
      }
    }
    return [{ dataType, dims: dims.filter((_, k) => !gone.has(k)) }];
  },
  evaluate: passedOn,
  gradient: (n) => {
    const axes = n.input(1);
    if (axes === undefined) return [reshapeLike(n.b, n.cotangent(), n.input(0)!)];
    return [n.b.op("Unsqueeze", [n.cotangent(), axes])];
  },
};

/** Adds axes of size one: the gradient drops them. */
const unsqueeze: OperatorRule = {
  opType: "Unsqueeze",
  since: 7,
  upgrade: (n) => n.opset < 13 && attributeAsInput(n, "axes", 1),
  infer: (n) => {
    const type = n.type(0);
    if (type === undefined) return [];
    const { dataType, dims } = type;
    const axes = numbersOf(n, 1);
    if (dims === undefined) return [{ dataType }];
    if (axes === undefined) {
      const given = n.input(1);
      const count = given === undefined ? undefined : n.b.type(given)?.dims?.[0];
      const rank = typeof count === "number" ? dims.length + count : undefined;
      return [{ dataType, dims: unknownDims(n.b, rank) }];
    }
    const rank = dims.length + axes.length;
    const added = new Set(axes.map((a) => axisOf(n, a, rank)));
    if (added.size < axes.length) n.refuse("unsqueeze in", `axes [${axes}] repeat`);
    const rest = dims[Symbol.iterator]();
    const result = Array.from(
      { length: rank },
      (_, k): Dim => added.has(k) ? 1 : rest.next().value!,
    );
    return [{ dataType, dims: result }];
  },
  evaluate: passedOn,
  gradient: (n) => [n.b.op("Squeeze", [n.cotangent(), n.input(1)!])],
};

/** A matrix: the axes before `axis` in one, the rest in the other. */
const flatten: OperatorRule = {
  opType: "Flatten",
  since: 7,
  infer: (n) => {
    const type = n.type(0);
    if (type === undefined) return [];
    const { dataType, dims } = type;
    if (dims === undefined) return [{ dataType, dims: [n.b.freshDim(), n.b.freshDim()] }];
    const axis = n.int("axis", 1);
    // `axis` may be the rank itself: all in the first.
    const at = axis === dims.length ? axis : axisOf(n, axis, dims.length);
    return [{ dataType, dims: [product(dims.slice(0, at)), product(dims.slice(at))] }];
  },
  gradient: (n) => [reshapeLike(n.b, n.cotangent(), n.input(0)!)],
};

/** Axes of size one, and axes joined. */
export const axes: readonly OperatorRule[] = [squeeze, unsqueeze, flatten];
