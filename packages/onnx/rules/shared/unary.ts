/** @module */
import type { Operand } from "../../graph/builder.ts";
import { mul } from "../../graph/emit.ts";
import type { GradientContext, Infer, OperatorRule } from "../../graph/rule.ts";
import { DataType } from "../../model/data_type.ts";

/** The type of a result that is shaped like the first input. */
export const sameType: Infer = (n) => {
  const type = n.type(0);
  return type === undefined ? [] : [type];
};

/** The type of a result that has the shape of the first input, and its type unless "dtype" says another. */
export const likeFirst: Infer = (n) => {
  const type = n.type(0);
  return [{ dataType: n.int("dtype", type?.dataType ?? DataType.FLOAT), dims: type?.dims }];
};

/** An elementwise function `y = f(x)` by its derivative: ∂x = f′(x) ∂y. */
export function unary(
  opType: string,
  since: number,
  derivative: (n: GradientContext, x: string, y: string) => Operand,
): OperatorRule {
  return {
    opType,
    since,
    infer: sameType,
    gradient: (n) => [mul(n.b, n.cotangent(), derivative(n, n.input(0)!, n.outputs[0]!))],
  };
}

/** An elementwise function whose derivative is 0 wherever it has one. */
export function stepwise(opType: string, since: number): OperatorRule {
  return { opType, since, infer: sameType, gradient: "none" };
}
