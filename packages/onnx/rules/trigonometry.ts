/** @module */
import type { Builder } from "../graph/builder.ts";
import { add, div, mul, neg, square, sub, unary } from "./shared/mod.ts";
import type { OperatorRule } from "../graph/rule.ts";

/** `1 − x²` and `x² − 1` as products: exact to rounding where x is near ±1. */
const below = (b: Builder, x: string) => mul(b, sub(b, 1, x), add(b, x, 1));
const beyond = (b: Builder, x: string) => mul(b, sub(b, x, 1), add(b, x, 1));
const root = (b: Builder, x: string) => b.op("Sqrt", [x]);

/**
 * Circular and hyperbolic functions and their inverses:
 *
 * - `sin′ = cos`, `cos′ = −sin`, `tan′ = 1 + tan²`;
 * - `sinh′ = cosh`, `cosh′ = sinh` (`tanh` is an activation);
 * - `asin′ = 1/√(1−x²)`, `acos′ = −1/√(1−x²)`, `atan′ = 1/(1+x²)`;
 * - `asinh′ = 1/√(1+x²)`, `acosh′ = 1/√(x²−1)`, `atanh′ = 1/(1−x²)`.
 */
export const trigonometry: readonly OperatorRule[] = [
  unary("Sin", 7, ({ b }, x) => b.op("Cos", [x])),
  unary("Cos", 7, ({ b }, x) => neg(b, b.op("Sin", [x]))),
  unary("Tan", 7, ({ b }, _, y) => add(b, square(b, y), 1)),
  unary("Sinh", 9, ({ b }, x) => b.op("Cosh", [x])),
  unary("Cosh", 9, ({ b }, x) => b.op("Sinh", [x])),
  unary("Asin", 7, ({ b }, x) => div(b, 1, root(b, below(b, x)))),
  unary("Acos", 7, ({ b }, x) => div(b, -1, root(b, below(b, x)))),
  unary("Atan", 7, ({ b }, x) => div(b, 1, add(b, square(b, x), 1))),
  unary("Asinh", 9, ({ b }, x) => div(b, 1, root(b, add(b, square(b, x), 1)))),
  unary("Acosh", 9, ({ b }, x) => div(b, 1, root(b, beyond(b, x)))),
  unary("Atanh", 9, ({ b }, x) => div(b, 1, below(b, x))),
];
