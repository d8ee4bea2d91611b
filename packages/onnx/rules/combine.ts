/** @module */
import {
  broadcastOf,
  broadcastType,
  DataType,
  type Dim,
  div,
  isFloating,
  onIntegers,
  to,
  where,
} from "./shared/mod.ts";
import type { GradientContext, NodeContext, OperatorRule } from "../graph/rule.ts";

/** `y = Σ_k x_k`: ∂y/∂x_k = 1. */
const sum: OperatorRule = {
  opType: "Sum",
  since: 7,
  infer: broadcastType,
  gradient: (n) => n.node.input.map((_, k) => to(n, k, () => n.cotangent())),
};

/** `y = Σ_k x_k / n`: ∂y/∂x_k = 1/n. */
const mean: OperatorRule = {
  opType: "Mean",
  since: 7,
  infer: broadcastType,
  gradient: (n) => {
    const share = div(n.b, n.cotangent(), n.node.input.length);
    return n.node.input.map((_, k) => to(n, k, () => share));
  },
};

/** `z = c ? x : y`: ∂z/∂x = 1 where c holds, ∂z/∂y = 1 where it does not. */
const choice: OperatorRule = {
  opType: "Where",
  since: 9,
  infer: (n) => {
    const type = n.type(1) ?? n.type(2);
    if (type === undefined) return [];
    return [{
      dataType: type.dataType,
      dims: broadcastOf(n.b, [n.dims(0), n.dims(1), n.dims(2)]),
    }];
  },
  evaluate: onIntegers((c, x, y) =>
    typeof c === "number" ? (c !== 0 ? x : y) : x === y ? x : undefined
  ),
  gradient: (n) => [
    undefined,
    // A product with the condition would turn an infinite cotangent of the other side into NaN.
    to(n, 1, () => where(n.b, n.input(0)!, n.cotangent(), 0)),
    to(n, 2, () => where(n.b, n.input(0)!, 0, n.cotangent())),
  ],
};

const castBack = (n: GradientContext) => {
  const type = n.b.dataType(n.input(0)!);
  const dz = n.cotangent();
  return [n.b.dataType(dz) === type ? dz : n.b.op("Cast", [dz], { to: type })];
};

/** Integers survive a cast to integers; what a cast to float makes of them is not followed. */
function castIntegers(n: NodeContext, to: number | undefined): readonly Dim[] | undefined {
  const values = n.b.known(n.node.input[0]!);
  if (values === undefined || to === undefined || isFloating(to)) return undefined;
  if (to !== DataType.BOOL) return values;
  const truths = values.map((v) => v === 0 ? 0 : 1);
  return values.every((v) => typeof v === "number") ? truths : undefined;
}

/** Another element type: between float types the gradient is cast back, else there is none. */
const cast: OperatorRule = {
  opType: "Cast",
  since: 7,
  infer: (n) => {
    const to = n.int("to", 0);
    if (to === 0) n.refuse("read", 'its attribute "to", the element type, is missing');
    return [{ dataType: to, dims: n.dims(0) }];
  },
  evaluate: (n) => castIntegers(n, n.int("to", 0)),
  gradient: castBack,
};

/** The element type of another value, which gets no gradient. */
const castLike: OperatorRule = {
  opType: "CastLike",
  since: 15,
  infer: (n) => {
    const like = n.type(1);
    return like === undefined ? [] : [{ dataType: like.dataType, dims: n.dims(0) }];
  },
  evaluate: (n) => castIntegers(n, n.type(1)?.dataType),
  gradient: castBack,
};

/** Values joined, chosen between or cast. */
export const combine: readonly OperatorRule[] = [sum, mean, choice, cast, castLike];
