import assert from "node:assert/strict";
import { differentiate } from "../differentiate/differentiate.ts";
import { float } from "../model/attributes.ts";
import { type GradientCase, makeModel, makeNode, normal, testGradients } from "../_testing.ts";

const matMul = (name: string, x: number[], y: number[]): GradientCase => ({
  name,
  nodes: [makeNode("MatMul", ["x", "w"], ["y"])],
  inputs: { x: normal(1, x), w: normal(2, y) },
});

const gemm = (
  name: string,
  { transA = 0, transB = 0, bias }: { transA?: number; transB?: number; bias?: number[] },
): GradientCase => ({
  name,
  nodes: [
    makeNode("Gemm", bias === undefined ? ["a", "w"] : ["a", "w", "c"], ["y"], {
      transA,
      transB,
      alpha: float(0.5),
      beta: float(-2),
    }),
  ],
  inputs: {
    a: normal(1, transA === 0 ? [3, 4] : [4, 3]),
    w: normal(2, transB === 0 ? [4, 2] : [2, 4]),
    ...(bias === undefined ? {} : { c: normal(3, bias) }),
  },
});

const cases: readonly GradientCase[] = [
  matMul("MatMul of matrices", [3, 4], [4, 2]),
  matMul("MatMul with a shared weight", [2, 3, 4], [4, 2]),
  matMul("MatMul with broadcast batches", [2, 1, 3, 4], [5, 4, 2]),
  matMul("MatMul of a vector and a matrix", [4], [4, 2]),
  matMul("MatMul of a matrix and a vector", [3, 4], [4]),
  matMul("MatMul of a batch and a vector", [2, 3, 4], [4]),
  matMul("MatMul of a vector and a batch", [4], [2, 4, 3]),
  matMul("MatMul of two vectors", [4], [4]),
  {
    ...matMul("MatMul with a batch of unknown size", [2, 3, 4], [4, 2]),
    symbols: { x: ["N", "T", 4] },
  },
  gemm("Gemm", { bias: [2] }),
  gemm("Gemm without C", {}),
  gemm("Gemm with transA", { transA: 1, bias: [3, 1] }),
  gemm("Gemm with transB", { transB: 1, bias: [1, 2] }),
  gemm("Gemm with both transposed", { transA: 1, transB: 1, bias: [3, 2] }),
  gemm("Gemm with a scalar C", { bias: [] }),
  {
    ...gemm("Gemm with a batch of unknown size", { bias: [2] }),
    symbols: { a: ["N", 4] },
  },
  { ...gemm("Gemm of opset 7", { bias: [2] }), opset: 7 },
];

testGradients("Products of matrices have the gradients that central differences give", cases);

Deno.test("Products of matrices refuse shapes that do not fit", () => {
  const attempt = (opType: string, x: number[], y: number[]) => () =>
    differentiate(
      makeModel({
        nodes: [makeNode(opType, ["x", "w"], ["y"])],
        inputs: { x: normal(1, x), w: normal(2, y) },
        outputs: ["y"],
      }),
      { output: "y", trainable: ["w"] },
    );
  assert.throws(
    attempt("MatMul", [3, 4], [5, 2]),
    /Cannot multiply in MatMul "MatMul of y": shapes \[3,4\] and \[5,2\]: inner sizes 4 and 5 differ/,
  );
  assert.throws(
    attempt("MatMul", [], [5, 2]),
    /Cannot multiply in MatMul "MatMul of y": shapes \[\] and \[5,2\]/,
  );
  assert.throws(
    attempt("Gemm", [3, 4], [5, 2]),
    /Cannot multiply in Gemm "Gemm of y": shapes \[3,4\] and \[5,2\]: inner sizes 4 and 5 differ/,
  );
  assert.throws(
    attempt("Gemm", [3, 4, 1], [5, 2]),
    /Cannot multiply in Gemm "Gemm of y": shapes \[3,4,1\] and \[5,2\]/,
  );
});
