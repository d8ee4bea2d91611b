/** @module */
import {
  broadcastType,
  div,
  isClamped,
  mul,
  neg,
  ofNumbers,
  onIntegers,
  sameType,
  signOf,
  square,
  stepwise,
  sub,
  to,
  unary,
} from "./shared/mod.ts";
import type { OperatorRule } from "../graph/rule.ts";

/** `y = −x`: ∂y/∂x = −1. */
const negation: OperatorRule = {
  opType: "Neg",
  since: 7,
  infer: sameType,
  evaluate: onIntegers(ofNumbers((x) => -x!)),
  gradient: (n) => [neg(n.b, n.cotangent())],
};

/** `y = |x|`: ∂y/∂x = sign x, 0 at 0. */
const absolute: OperatorRule = {
  ...unary("Abs", 7, ({ b }, x) => signOf(b, x)),
  evaluate: onIntegers((x) => typeof x === "number" ? Math.abs(x) : x),
};

/** `y = √x`: ∂y/∂x = 1 / 2y, infinite at 0. */
const squareRoot: OperatorRule = {
  opType: "Sqrt",
  since: 7,
  infer: sameType,
  gradient: (n) => [div(n.b, mul(n.b, n.cotangent(), 0.5), n.outputs[0]!)],
};

/** `y = eˣ`: ∂y/∂x = y. */
const exponential = unary("Exp", 7, (_, _x, y) => y);

/** `y = ln x`: ∂y/∂x = 1/x. */
const logarithm: OperatorRule = {
  opType: "Log",
  since: 7,
  infer: sameType,
  gradient: (n) => [div(n.b, n.cotangent(), n.input(0)!)],
};

/** `y = 1/x`: ∂y/∂x = −y². */
const reciprocal = unary("Reciprocal", 7, ({ b }, _, y) => neg(b, square(b, y)));

/** `y = erf x`: ∂y/∂x = 2 exp(−x²) / √π, the factor inside the exponent (two passes less). */
const erf = unary(
  "Erf",
  9,
  ({ b }, x) => b.op("Exp", [sub(b, Math.log(2 / Math.sqrt(Math.PI)), square(b, x))]),
);

/** `z = x − q y`, q whole: ∂z/∂x = 1, ∂z/∂y = −q. */
const modulo: OperatorRule = {
  opType: "Mod",
  since: 10,
  infer: broadcastType,
  evaluate: (n) =>
    onIntegers(ofNumbers((x, y) => {
      if (y === 0 || isClamped(x!) || isClamped(y!)) return undefined;
      const rest = x! % y!;
      return n.int("fmod", 0) === 0 && rest * y! < 0 ? rest + y! : rest;
    }))(n),
  gradient: (n) => {
    const { b } = n;
    // From the result, where x/y itself might round up to the next whole number.
    const whole = () => b.op("Round", [div(b, sub(b, n.input(0)!, n.outputs[0]!), n.input(1)!)]);
    return [
      to(n, 0, () => n.cotangent()),
      to(n, 1, () => neg(b, mul(b, n.cotangent(), whole()))),
    ];
  },
};

/** Functions of one number, and the remainder. */
export const math: readonly OperatorRule[] = [
  negation,
  absolute,
  squareRoot,
  exponential,
  logarithm,
  reciprocal,
  erf,
  modulo,
  stepwise("Sign", 9),
  stepwise("Floor", 7),
  stepwise("Ceil", 7),
  stepwise("Round", 11),
];
