/** @module */
import {
  broadcastType,
  differenceOf,
  div,
  mul,
  neg,
  onIntegers,
  productOf,
  quotientOf,
  sumOf,
  sumTo,
  to,
} from "./shared/mod.ts";
import type { OperatorRule } from "../graph/rule.ts";

/** `z = x + y`: ∂z/∂x = 1, ∂z/∂y = 1. */
const addition: OperatorRule = {
  opType: "Add",
  since: 7,
  infer: broadcastType,
  evaluate: onIntegers((x, y) => sumOf(x!, y!)),
  gradient: (n) => [to(n, 0, () => n.cotangent()), to(n, 1, () => n.cotangent())],
};

/** `z = x − y`: ∂z/∂x = 1, ∂z/∂y = −1. */
const subtraction: OperatorRule = {
  opType: "Sub",
  since: 7,
  infer: broadcastType,
  evaluate: onIntegers((x, y) => differenceOf(x!, y!)),
  gradient: (n) => [
    to(n, 0, () => n.cotangent()),
    // Summing first makes the negation cheaper.
    n.wants(1) ? neg(n.b, sumTo(n.b, n.cotangent(), n.input(1)!)) : undefined,
  ],
};

/** `z = x y`: ∂z/∂x = y, ∂z/∂y = x. */
const multiplication: OperatorRule = {
  opType: "Mul",
  since: 7,
  infer: broadcastType,
  evaluate: onIntegers((x, y) => productOf(x!, y!)),
  gradient: (n) => [
    to(n, 0, () => mul(n.b, n.cotangent(), n.input(1)!)),
    to(n, 1, () => mul(n.b, n.cotangent(), n.input(0)!)),
  ],
};

/** `z = x / y`: ∂z/∂x = 1/y, ∂z/∂y = −z/y. */
const division: OperatorRule = {
  opType: "Div",
  since: 7,
  infer: broadcastType,
  evaluate: onIntegers((x, y) => quotientOf(x!, y!)),
  gradient: (n) => {
    const [y, z] = [n.input(1)!, n.outputs[0]!];
    return [
      to(n, 0, () => div(n.b, n.cotangent(), y)),
      to(n, 1, () => neg(n.b, mul(n.b, div(n.b, n.cotangent(), y), z))),
    ];
  },
};

/** Arithmetic with broadcasting. */
export const arithmetic: readonly OperatorRule[] = [
  addition,
  subtraction,
  multiplication,
  division,
];
