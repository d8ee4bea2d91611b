import { DataType } from "../model/data_type.ts";
import { type GradientCase, makeNode, normal, testGradients, type Value } from "../_testing.ts";

const int = (...data: number[]): Value => ({ dims: [data.length], data, type: DataType.INT64 });
const scalar = (value: number): Value => ({ dims: [], data: [value], type: DataType.INT64 });
const places = { zero: scalar(0), one: scalar(1), two: scalar(2), last: scalar(-1) };
const at = (list: string, place: string, output: string) =>
  makeNode("SequenceAt", [list, place], [output]);

const cases: readonly GradientCase[] = [
  {
    name: "parts of given lengths",
    nodes: [
      makeNode("SplitToSequence", ["x", "lengths"], ["s"], { axis: 1 }),
      at("s", "zero", "a"),
      at("s", "last", "b"),
      makeNode("Mul", ["a", "b"], ["y"]),
    ],
    inputs: { x: normal(1, [2, 5]) },
    initializers: { ...places, lengths: int(2, 1, 2) },
  },
  {
    name: "parts of one length, the last shorter",
    nodes: [
      makeNode("SplitToSequence", ["x", "two"], ["s"]),
      at("s", "one", "a"),
      at("s", "two", "b"),
      makeNode("Mul", ["a", "b"], ["y"]),
    ],
    inputs: { x: normal(1, [5, 3]) },
    initializers: places,
  },
  {
    name: "single rows without their axis, joined",
    nodes: [
      makeNode("SplitToSequence", ["x"], ["s"], { keepdims: 0 }),
      makeNode("SequenceInsert", ["s", "w", "one"], ["t"]),
      makeNode("SequenceErase", ["t", "zero"], ["u"]),
      makeNode("ConcatFromSequence", ["u"], ["z"], { axis: 0, new_axis: 1 }),
      makeNode("Mul", ["z", "z"], ["y"]),
    ],
    inputs: { x: normal(1, [3, 2]), w: normal(2, [2]) },
    initializers: places,
  },
  {
    name: "a list of values",
    nodes: [
      makeNode("SequenceConstruct", ["x", "w"], ["s"]),
      at("s", "one", "a"),
      makeNode("ConcatFromSequence", ["s"], ["z"], { axis: 1 }),
      makeNode("MatMul", ["z", "m"], ["h"]),
      makeNode("Mul", ["a", "h"], ["y"]),
    ],
    inputs: { x: normal(1, [2, 3]), w: normal(2, [2, 3]), m: normal(3, [6, 3]) },
    initializers: places,
  },
];

testGradients(
  "Lists of tensors whose places are known have the gradient that differences give",
  cases,
);
