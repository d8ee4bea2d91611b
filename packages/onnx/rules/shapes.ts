/** @module */
import {
  DataType,
  type Dim,
  passedOn,
  product,
  quotient,
  reshapeLike,
  sameType,
  sumTo,
  unknownDims,
  waitsFor,
} from "./shared/mod.ts";
import type { NodeContext, OperatorRule } from "../graph/rule.ts";

/** The shape of a value, or a range of it: no gradient. */
const shape: OperatorRule = {
  opType: "Shape",
  since: 7,
  infer: (n) => {
    const dims = slicedDims(n);
    return [{ dataType: DataType.INT64, dims: [dims?.length ?? n.b.freshDim()] }];
  },
  evaluate: slicedDims,
  gradient: "none",
};

function slicedDims(n: NodeContext): readonly Dim[] | undefined {
  const dims = n.dims(0);
  if (dims === undefined) return undefined;
  return dims.slice(n.int("start", 0), n.int("end", dims.length));
}

/** The same elements in another shape: the gradient takes the input's shape. */
const reshape: OperatorRule = {
  opType: "Reshape",
  since: 7,
  infer: (n) => {
    const type = n.type(0);
    const name = n.input(1);
    const target = name === undefined ? undefined : n.b.known(name);
    if (type === undefined || waitsFor(n.b, n.node) !== undefined) return [type];
    if (target === undefined) {
      const length = name === undefined ? undefined : n.b.type(name)?.dims?.[0];
      return [{ dataType: type.dataType, dims: unknownDims(n.b, length) }];
    }
    const copies = n.int("allowzero", 0) === 0;
    if (target.some((d) => typeof d === "number" && d < -1)) {
      n.refuse("read", `the target shape is [${target}]`);
    }
    const dims: Dim[] = target.map((d, k) =>
      d === 0 && copies ? type.dims?.[k] ?? n.b.freshDim() : d
    );
    const open = dims.indexOf(-1);
    if (open >= 0) {
      const rest = product(dims.filter((_, k) => k !== open));
      const whole = type.dims === undefined ? undefined : product(type.dims);
      dims[open] = (whole === undefined ? undefined : quotient(whole, rest)) ?? n.b.freshDim();
    }
    return [{ dataType: type.dataType, dims }];
  },
  evaluate: passedOn,
  gradient: (n) => [reshapeLike(n.b, n.cotangent(), n.input(0)!)],
};

/** Broadcasting to a given shape: the gradient is summed over what was stretched. */
const expand: OperatorRule = {
  opType: "Expand",
  since: 8,
  infer: (n) => {
    const [type, target] = [n.type(0), n.b.known(n.input(1)!)];
    if (type === undefined) return [];
    if (type.dims === undefined) return [{ dataType: type.dataType }];
    if (target === undefined) {
      const length = n.b.type(n.input(1)!)?.dims?.[0];
      const rank = typeof length === "number" ? Math.max(length, type.dims.length) : undefined;
      return [{ dataType: type.dataType, dims: unknownDims(n.b, rank) }];
    }
    const rank = Math.max(type.dims.length, target.length);
    const at = (dims: readonly Dim[], k: number) => dims[k - rank + dims.length] ?? 1;
    const dims = Array.from({ length: rank }, (_, k) => {
      const [from, to] = [at(type.dims!, k), at(target, k)];
      if (from === 1) return to;
      if (to === 1 || to === from || typeof from === "number") return from;
      // Of two symbols either may stand for 1.
      return typeof to === "number" ? to : n.b.freshDim();
    });
    return [{ dataType: type.dataType, dims }];
  },
  gradient: (n) => [sumTo(n.b, n.cotangent(), n.input(0)!)],
};

/** The value itself. */
const identity: OperatorRule = {
  opType: "Identity",
  since: 7,
  infer: sameType,
  evaluate: (n) => n.b.known(n.node.input[0]!),
  gradient: (n) => [n.cotangent()],
};

/** Shapes and copies. */
export const shapes: readonly OperatorRule[] = [shape, reshape, expand, identity];
