/** @module */
import {
  broadcastOf,
  broadcastType,
  DataType,
  equal,
  greater,
  not,
  ofNumbers,
  onIntegers,
  sameType,
} from "./shared/mod.ts";
import type { Dim } from "../graph/dims.ts";
import type { Infer, OperatorRule } from "../graph/rule.ts";

const truth: Infer = (n) => [{
  dataType: DataType.BOOL,
  dims: broadcastOf(n.b, n.node.input.map((_, k) => n.dims(k))),
}];

/** A function into truth values, or of bits: nothing flows back. */
const comparison = (
  opType: string,
  since: number,
  evaluate?: (...values: Dim[]) => Dim | undefined,
  infer: Infer = truth,
): OperatorRule => ({
  opType,
  since,
  infer,
  ...(evaluate === undefined ? {} : { evaluate: onIntegers(evaluate) }),
  gradient: "none",
});

/** Comparisons, logic and bits: no gradient, but shape arithmetic passes through them. */
export const comparisons: readonly OperatorRule[] = [
  comparison("Equal", 7, equal),
  comparison("Greater", 7, greater),
  comparison("Less", 7, (x, y) => greater(y!, x!)),
  comparison("GreaterOrEqual", 12, (x, y) => not(greater(y!, x!))),
  comparison("LessOrEqual", 12, (x, y) => not(greater(x!, y!))),
  comparison("Not", 7, not),
  comparison("And", 7, ofNumbers((x, y) => x! & y!)),
  comparison("Or", 7, ofNumbers((x, y) => x! | y!)),
  comparison("Xor", 7, ofNumbers((x, y) => x! ^ y!)),
  comparison("IsNaN", 9),
  comparison("IsInf", 10),
  comparison("BitShift", 11, undefined, broadcastType),
  comparison("BitwiseAnd", 18, undefined, broadcastType),
  comparison("BitwiseOr", 18, undefined, broadcastType),
  comparison("BitwiseXor", 18, undefined, broadcastType),
  comparison("BitwiseNot", 18, undefined, sameType),
];
