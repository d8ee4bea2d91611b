import assert from "node:assert/strict";
import { differentiate } from "../differentiate/differentiate.ts";
import { makeModel, makeNode, normal, testGradients, type Value } from "../_testing.ts";

interface EinsumCase {
  readonly equation: string;
  readonly shapes: readonly number[][];
  readonly symbols?: Record<string, (number | string)[]>;
  readonly name?: string;
}

const cases: readonly EinsumCase[] = [
  { equation: "ij,jk->ik", shapes: [[3, 4], [4, 2]] },
  { equation: "ij,jk", shapes: [[3, 4], [4, 2]] },
  { equation: "ba,cb", shapes: [[3, 4], [2, 3]], name: "implicit output in alphabetical order" },
  { equation: "ij->ji", shapes: [[3, 4]] },
  { equation: "ij->i", shapes: [[3, 4]] },
  { equation: "ij->", shapes: [[3, 4]] },
  { equation: "i,j->ij", shapes: [[3], [4]] },
  { equation: "i,i->", shapes: [[3], [3]] },
  { equation: "ij,jk->k", shapes: [[3, 4], [4, 2]], name: "a label that one input sums alone" },
  { equation: "bhqd,bhkd->bhqk", shapes: [[2, 2, 3, 4], [2, 2, 5, 4]] },
  { equation: "bij,bjk->bik", shapes: [[2, 3, 4], [1, 4, 2]], name: "a label that broadcasts" },
  { equation: "bij,bjk->k", shapes: [[2, 3, 4], [1, 4, 2]], name: "broadcast and summed" },
  { equation: "...ij,...jk->...ik", shapes: [[2, 3, 3, 4], [2, 3, 4, 2]] },
  { equation: "...ij,...jk->...ik", shapes: [[2, 1, 3, 4], [1, 5, 4, 2]] },
  { equation: "i...,i...", shapes: [[3, 2, 4], [3, 2, 1]] },
  { equation: "...i->...", shapes: [[2, 3, 4]] },
  { equation: "...i,ij->...j", shapes: [[2, 3, 4], [4, 5]] },
  { equation: "ij,jk,kl->il", shapes: [[2, 3], [3, 4], [4, 2]] },
  { equation: "bi,ij,bj->b", shapes: [[2, 3], [3, 4], [2, 4]] },
  { equation: "ii->i", shapes: [[3, 3]], name: "a diagonal" },
  { equation: "bii->b", shapes: [[2, 3, 3]], name: "a trace" },
  { equation: "ii,ij->j", shapes: [[3, 3], [3, 2]], name: "a diagonal in a product" },
  { equation: " i j , j k -> i k ", shapes: [[3, 4], [4, 2]], name: "with spaces" },
  {
    equation: "bij,jk->bik",
    shapes: [[2, 3, 4], [4, 2]],
    symbols: { x0: ["B", "T", 4] },
    name: "of unknown sizes",
  },
  {
    equation: "bij,jk->k",
    shapes: [[2, 3, 4], [4, 2]],
    symbols: { x0: ["B", "T", "D"], x1: ["D", 2] },
    name: "of unknown sizes, summed alone",
  },
  {
    equation: "bij,bjk->bik",
    shapes: [[2, 3, 4], [1, 4, 2]],
    symbols: { x0: ["B", "T", 4], x1: ["one", 4, 2] },
    name: "of an unknown size that broadcasts",
  },
];

const inputs = (shapes: readonly number[][]): Record<string, Value> =>
  Object.fromEntries(shapes.map((dims, k) => [`x${k}`, normal(k + 1, dims)]));

const node = (equation: string, shapes: readonly number[][]) =>
  makeNode("Einsum", shapes.map((_, k) => `x${k}`), ["y"], { equation });

testGradients(
  "Einsum has the gradients that central differences give",
  cases.map(({ equation, shapes, symbols, name = "" }) => ({
    name: `${equation} over [${shapes.join("], [")}] ${name}`,
    // The square gives equations of one input a second order.
    nodes: [
      { ...node(equation, shapes), output: ["t"] },
      makeNode("Mul", ["t", "t"], ["y"]),
    ],
    inputs: inputs(shapes),
    ...(symbols === undefined ? {} : { symbols }),
  })),
);

Deno.test("Einsum refuses equations that do not fit", () => {
  const attempt = (equation: string, shapes: number[][]) => () =>
    differentiate(
      makeModel({ nodes: [node(equation, shapes)], inputs: inputs(shapes), outputs: ["y"] }),
      { output: "y", trainable: ["x0"] },
    );
  assert.throws(
    attempt("ij,jk->ik", [[2, 3]]),
    /Cannot read Einsum "Einsum of y": equation "ij,jk->ik" does not fit 1 inputs/,
  );
  assert.throws(
    attempt("ij->i", [[2, 3, 4]]),
    /Cannot read Einsum "Einsum of y": "ij" of "ij->i" does not fit the shape \[2,3,4\]/,
  );
  assert.throws(
    attempt("ij,jk->", [[2, 3], [4, 2]]),
    /Cannot read Einsum "Einsum of y": "j" has the sizes 3 and 4/,
  );
  assert.throws(attempt("i->ik", [[2]]), /Cannot read Einsum "Einsum of y": "k" is in no input/);
  assert.throws(attempt("i->ii", [[2]]), /Cannot read Einsum "Einsum of y": .* repeats a result/);
  assert.throws(attempt("i+j->", [[2]]), /Cannot read Einsum "Einsum of y": equation "i\+j->"/);
});
