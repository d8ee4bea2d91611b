import { type GradientCase, makeModel, makeNode, normal, testGradients } from "../_testing.ts";
import { loadGraph } from "../graph/load_graph.ts";
import type { AttributeValue } from "../model/attributes.ts";
import { ruleFor } from "./mod.ts";
import assert from "node:assert/strict";

const sizes = (...data: number[]) => ({ dims: [data.length], data, type: 7 });

/** Squares of the parts: a gradient that is linear in them makes the second order visible. */
const split = (
  name: string,
  parts: number,
  attributes: Record<string, AttributeValue>,
  more: Partial<GradientCase> & { lengths?: readonly number[]; used?: readonly number[] } = {},
): GradientCase => {
  const { lengths, used = Array.from({ length: parts }, (_, k) => k), ...rest } = more;
  const outputs = Array.from({ length: parts }, (_, k) => `s_${k}`);
  return {
    name,
    nodes: [
      makeNode("Split", lengths === undefined ? ["x"] : ["x", "lengths"], outputs, attributes),
      ...used.map((k) => makeNode("Mul", [`s_${k}`, `s_${k}`], [`y_${k}`])),
    ],
    inputs: { x: normal(1, [2, 6, 3]) },
    ...(lengths === undefined ? {} : { initializers: { lengths: sizes(...lengths) } }),
    outputs: used.map((k) => `y_${k}`),
    ...rest,
  };
};

const concat = (
  name: string,
  shapes: readonly number[][],
  axis: number,
  more: Partial<GradientCase> = {},
): GradientCase => ({
  name,
  nodes: [
    makeNode("Concat", shapes.map((_, k) => `x_${k}`), ["z"], { axis }),
    makeNode("Mul", ["z", "z"], ["y"]),
  ],
  inputs: Object.fromEntries(shapes.map((dims, k) => [`x_${k}`, normal(k + 1, dims)])),
  ...more,
});

const cases: readonly GradientCase[] = [
  concat("Concat of two", [[2, 3], [4, 3]], 0),
  concat("Concat of three along the last axis", [[2, 3], [2, 1], [2, 2]], -1),
  concat("Concat of one", [[2, 3]], 0),
  concat("Concat of vectors", [[2], [3]], 0),
  concat("Concat with an empty part", [[2, 3], [0, 3]], 0),
  concat("Concat of which one part is wanted", [[2, 3], [2, 2], [2, 1]], 1, {
    fixed: ["x_0", "x_2"],
  }),
  concat("Concat of unknown sizes", [[2, 3], [4, 3]], 0, {
    symbols: { x_0: ["N", "D"], x_1: ["M", "D"] },
  }),
  concat("Concat of unknown sizes of which one is wanted", [[2, 3], [4, 3]], 0, {
    symbols: { x_0: ["N", "D"], x_1: ["M", "D"] },
    fixed: ["x_0"],
  }),
  concat("Concat of opset 7", [[2, 3], [4, 3]], 0, { opset: 7 }),
  split("Split by num_outputs", 3, { axis: 1, num_outputs: 3 }),
  split("Split into parts of which the last is smaller", 3, { axis: 1, num_outputs: 3 }, {
    inputs: { x: normal(1, [2, 5, 3]) },
  }),
  split("Split of an unknown size", 3, { axis: 1, num_outputs: 3 }, {
    inputs: { x: normal(1, [2, 5, 3]) },
    symbols: { x: ["N", "T", "D"] },
  }),
  split("Split of which one part is used", 3, { axis: -2, num_outputs: 3 }, { used: [1] }),
  split("Split of which two parts are used", 3, { axis: 1, num_outputs: 3 }, { used: [0, 2] }),
  split("Split of an unknown size of which one part is used", 2, { axis: 1, num_outputs: 2 }, {
    symbols: { x: ["N", "T", "D"] },
    used: [1],
  }),
  split("Split by lengths", 3, { axis: 1 }, { lengths: [1, 3, 2] }),
  split("Split by lengths, one part used", 3, { axis: 1 }, { lengths: [1, 3, 2], used: [2] }),
  split("Split by lengths, one of them zero", 3, { axis: 1 }, { lengths: [4, 0, 2] }),
  split("Split of opset 13 by lengths", 2, { axis: 1 }, { lengths: [5, 1], opset: 13 }),
  split("Split of opset 13 into equal parts", 2, { axis: 0 }, { opset: 13 }),
  split("Split of opset 11 by its attribute", 2, { axis: 1, split: [2, 4] }, { opset: 11 }),
  split("Split of opset 7 into equal parts", 3, { axis: 1 }, { opset: 7 }),
];

testGradients("Joins have the gradients that central differences give", cases);

const typesOf = ({ nodes, inputs, initializers = {}, symbols = {} }: GradientCase) =>
  loadGraph(makeModel({ nodes, inputs, initializers, symbols, outputs: [] }), ruleFor).b;

Deno.test("Joins keep symbolic sizes", () => {
  const join = (first: (string | number)[], second: (string | number)[]) =>
    typesOf(concat("", [[2, 3], [4, 3]], 0, { symbols: { x_0: first, x_1: second } })).dims("z");
  assert.deepEqual(join(["N", 3], [4, 3]), ["(4+N)", 3]);
  assert.deepEqual(join(["N", "D"], ["N", 3]), ["2*N", 3]);
  assert.deepEqual(join(["N", "D"], [0, "D"]), ["N", "D"]);

  const parts = (size: string | number, count: number, lengths?: number[]) => {
    const b = typesOf(split("", count, lengths === undefined ? { num_outputs: count } : {}, {
      symbols: { x: [size, 6, 3] },
      ...(lengths === undefined ? {} : { lengths }),
    }));
    return Array.from({ length: count }, (_, k) => b.dims(`s_${k}`)[0]!);
  };
  assert.deepEqual(parts(7, 3), [3, 3, 1]);
  assert.deepEqual(parts("N", 2, [1, 1]), [1, 1]);
  const [first, second, last] = parts("N", 3);
  assert.equal(first, second);
  assert.notEqual(second, last, "the last may be smaller");
});

Deno.test("Joins refuse shapes that do not fit", () => {
  assert.throws(
    () => typesOf(concat("", [[2, 3], [4, 5]], 0)),
    /Cannot join in Concat "Concat of z": sizes 3 and 5 of axis 1 differ/,
  );
  assert.throws(
    () => typesOf(concat("", [[2, 3], [3]], 0)),
    /Cannot join in Concat "Concat of z": shapes \[2,3\] and \[3\] have different ranks/,
  );
  assert.throws(
    () => typesOf(concat("", [[2, 3]], 2)),
    /Cannot read Concat "Concat of z": axis 2 is out of range for rank 2/,
  );
  assert.throws(
    () => typesOf(split("", 2, { axis: 1 }, { lengths: [1, 2, 3] })),
    /Cannot split in Split "Split of s_0": lengths \[1,2,3\] for 2 outputs/,
  );
});
