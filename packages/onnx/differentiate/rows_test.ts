import assert from "node:assert/strict";
import { buildModel, DataType } from "../model/mod.ts";
import { trainingGraph } from "./mod.ts";

type Builder = ReturnType<typeof buildModel>;
const random = (n: number) => Float32Array.from({ length: n }, (_, i) => Math.sin(i + 1));

function rowsIn(
  build: (m: Builder, w: (...dims: number[]) => string) => string,
  inputs: Readonly<Record<string, readonly number[]>>,
): (number | undefined)[] {
  const m = buildModel();
  const names: string[] = [];
  const y = build(m, (...dims) => {
    const name = m.parameter(`w${names.length}`, dims, random(dims.reduce((a, b) => a * b, 1)));
    names.push(name);
    return name;
  });
  m.output(m.op("ReduceMean", [m.op("Mul", [y, y])], { keepdims: 0 }, "cost"));
  const { rowsOf } = trainingGraph(m.build(), { output: "cost", trainable: names });
  return names.map((name) => rowsOf(name, inputs));
}

const cases: readonly {
  readonly name: string;
  readonly build: Parameters<typeof rowsIn>[0];
  readonly inputs: Parameters<typeof rowsIn>[1];
  readonly expected: readonly (number | undefined)[];
}[] = [
  {
    name: "a dense layer has a row for each example; its bias is not multiplied",
    build: (m, w) => m.op("Gemm", [m.input("x", ["N", 4]), w(3, 4), w(3)], { transB: 1 }),
    inputs: { x: [16, 4] },
    expected: [16, undefined],
  },
  {
    name: "a dense layer on a sequence has one for each position",
    build: (m, w) => m.op("MatMul", [m.input("x", ["N", "T", 4]), w(4, 3)]),
    inputs: { x: [16, 10, 4] },
    expected: [160],
  },
  {
    name: "the parameter may come first, and turned",
    build: (m, w) => {
      const turned = m.op("Transpose", [w(4, 3)], { perm: [1, 0] });
      return m.op("MatMul", [turned, m.input("x", [4, "N"])]);
    },
    inputs: { x: [4, 7] },
    expected: [7],
  },
  {
    name: "a convolution has one for each position of its output",
    build: (m, w) => m.op("Conv", [m.input("x", ["N", 2, 8, 6]), w(3, 2, 3, 3)]),
    inputs: { x: [5, 2, 8, 6] },
    expected: [5 * 6 * 4],
  },
  {
    name: "an embedding has one for each index",
    build: (m, w) => m.op("Gather", [w(10, 4), m.input("x", ["N", 6], DataType.INT64)]),
    inputs: { x: [3, 6] },
    expected: [18],
  },
  {
    name: "a parameter that is used twice has those of both",
    build: (m, w) => {
      const weights = w(4, 4);
      return m.op("MatMul", [m.op("MatMul", [m.input("x", ["N", 4]), weights]), weights]);
    },
    inputs: { x: [8, 4] },
    expected: [16],
  },
  {
    name: "a size that no input has leaves it open",
    build: (m, w) => m.op("MatMul", [m.input("x", ["N", "T", 4]), w(4, 3)]),
    inputs: {},
    expected: [undefined],
  },
];

for (const { name, build, inputs, expected } of cases) {
  Deno.test(`rowsOf(): ${name}`, () => assert.deepEqual(rowsIn(build, inputs), expected));
}
