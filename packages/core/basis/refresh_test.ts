import { assertAllClose, random } from "@precond/testing";
import { EigenvalueDecomposition, Matrix, QrDecomposition } from "ml-matrix";
import assert from "node:assert/strict";
import { eigenbasis } from "./refresh.ts";

/** GᵀG / rows of normal numbers, column j of which has deviation e^(−spread · j / n). */
function gramOf(seed: number, n: number, rows: number, spread = 4): Float64Array {
  const { normal } = random(seed);
  const g = Array.from(
    { length: rows },
    () => Array.from({ length: n }, (_, j) => normal() * Math.exp(-spread * j / n)),
  );
  const a = new Float64Array(n * n);
  for (const row of g) {
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) a[i * n + j]! += row[i]! * row[j]! / rows;
    }
  }
  return a;
}

/** The largest element of |QᵀQ − I|. */
function defect(q: Float32Array, n: number): number {
  let worst = 0;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      let sum = i === j ? -1 : 0;
      for (let k = 0; k < n; k++) sum += q[k * n + i]! * q[k * n + j]!;
      worst = Math.max(worst, Math.abs(sum));
    }
  }
  return worst;
}

/** QᵀAQ. */
function inBasis(a: ArrayLike<number>, q: Float32Array, n: number): Matrix {
  const Q = Matrix.from1DArray(n, n, Array.from(q));
  return Q.transpose().mmul(Matrix.from1DArray(n, n, Array.from(a))).mmul(Q);
}

function permuted(n: number): Float32Array {
  const q = new Float32Array(n * n);
  for (let i = 0; i < n; i++) q[i * n + (i + 1) % n] = 1;
  return q;
}

const column = (q: ArrayLike<number>, n: number, j: number) =>
  Array.from({ length: n }, (_, i) => q[i * n + j]!);
const dot = (x: readonly number[], y: readonly number[]) =>
  x.reduce((sum, v, i) => sum + v * y[i]!, 0);

Deno.test("eigenbasis() of [[2, 1], [1, 2]] is (1, 1)/√2 and (±1, ∓1)/√2", () => {
  const q = eigenbasis(Float64Array.of(2, 1, 1, 2), 2);
  assertAllClose(column(q, 2, 0), [Math.SQRT1_2, Math.SQRT1_2], { relative: 1e-7 });
  assertAllClose(column(q, 2, 1).map(Math.abs), [Math.SQRT1_2, Math.SQRT1_2], { relative: 1e-7 });
  assert.ok(q[1]! * q[3]! < 0);
});

for (const n of [1, 2, 3, 5, 16, 33, 64, 129]) {
  Deno.test(`eigenbasis() diagonalizes a Gram matrix of side ${n}, by falling eigenvalue`, () => {
    const a = gramOf(n, n, 3 * n);
    const q = eigenbasis(a, n);
    assert.ok(defect(q, n) <= 1e-6, `QᵀQ − I is ${defect(q, n)}`);
    const values = new EigenvalueDecomposition(Matrix.from1DArray(n, n, Array.from(a)), {
      assumeSymmetric: true,
    }).realEigenvalues.sort((x, y) => y - x);
    const d = inBasis(a, q, n);
    // Q is off by float32's rounding, 2⁻²⁴ an element: √n · 2⁻²⁴ of the largest eigenvalue.
    const absolute = 4 * Math.sqrt(n) * 2 ** -24 * values[0]!;
    for (let i = 0; i < n; i++) {
      assertAllClose(
        d.getRow(i),
        values.map((v, j) => i === j ? v : 0),
        { absolute, relative: 0 },
        `row ${i} of QᵀAQ`,
      );
    }
  });

  Deno.test(`eigenbasis() with a previous one of side ${n} is the QR factor of A times it`, () => {
    const a = gramOf(n + 100, n, 3 * n, 1);
    const previous = eigenbasis(gramOf(n + 200, n, 3 * n, 1), n);
    const q = eigenbasis(a, n, previous);
    assert.ok(defect(q, n) <= 1e-6, `QᵀQ − I is ${defect(q, n)}`);
    const trace = Array.from({ length: n }, (_, i) => a[i * n + i]!).reduce((x, y) => x + y);
    const shifted = Matrix.from1DArray(n, n, Array.from(a)).add(Matrix.eye(n).mul(trace / 2 ** 24));
    const qr = new QrDecomposition(
      shifted.mmul(Matrix.from1DArray(n, n, Array.from(previous))),
    );
    for (let j = 0; j < n; j++) {
      const sign = Math.sign(qr.upperTriangularMatrix.get(j, j));
      assertAllClose(
        column(q, n, j),
        qr.orthogonalMatrix.getColumn(j).map((x) => x * sign),
        // Rounding to float32; what the two algorithms differ by in float64 is far below.
        { absolute: 2 ** -24, relative: 0 },
        `column ${j}`,
      );
    }
  });
}

Deno.test("orthogonal iteration reaches the eigenvectors from any start", () => {
  const n = 6, a = new Float64Array(n * n);
  for (let i = 0; i < n; i++) a[i * n + i] = 2 ** -i;
  let q = eigenbasis(gramOf(5, n, 20, 0), n);
  // Each step halves what is wrong at least: 60 of them leave less than 2⁻⁵⁰.
  for (let step = 0; step < 60; step++) q = eigenbasis(a, n, q);
  assertAllClose(q.map(Math.abs), identityOf(n), { absolute: 1e-7 });
});

Deno.test("a basis of eigenvectors stays as it is, whatever its order and its signs", () => {
  const n = 5, a = new Float64Array(n * n);
  for (let i = 0; i < n; i++) a[i * n + i] = i + 1;
  const q = permuted(n).map((x, k) => k % 2 ? -x : x);
  assertAllClose(eigenbasis(a, n, q), q, { absolute: 1e-7 });
});

Deno.test("columns continue those before them: no change of sign while the matrix moves", () => {
  const n = 24, [from, to] = [gramOf(1, n, 60), gramOf(2, n, 60)];
  let q = eigenbasis(from, n);
  for (let step = 1; step <= 40; step++) {
    const a = from.map((x, k) => x + (to[k]! - x) * step / 40);
    const next = eigenbasis(a, n, q);
    for (let j = 0; j < n; j++) {
      // R's diagonal is q_new ᵀ A q_old, which Gram-Schmidt makes positive.
      const image = Array.from(
        { length: n },
        (_, i) => dot([...a.subarray(i * n, i * n + n)], column(q, n, j)),
      );
      assert.ok(dot(column(next, n, j), image) > 0, `step ${step}, column ${j}`);
    }
    q = next;
  }
  assert.ok(defect(q, n) <= 1e-6);
});

function identityOf(n: number): Float32Array {
  return Float32Array.from({ length: n * n }, (_, k) => k % (n + 1) === 0 ? 1 : 0);
}

Deno.test("a zero matrix says nothing: the identity, or the basis before it", () => {
  assert.deepEqual(eigenbasis(new Float32Array(16), 4), identityOf(4));
  const q = permuted(4);
  assert.equal(eigenbasis(new Float32Array(16), 4, q), q);
  assert.deepEqual(eigenbasis(new Float32Array(), 0), new Float32Array());
});

Deno.test("NaN and infinities keep the basis before them, or the identity", () => {
  const q = permuted(3);
  for (const bad of [NaN, Infinity, -Infinity]) {
    const a = Float32Array.of(2, 1, 0, 1, 2, bad, 0, bad, 1);
    assert.equal(eigenbasis(a, 3, q), q);
    assert.deepEqual(eigenbasis(a, 3), identityOf(3));
  }
});

Deno.test("coordinates without anything keep their unit vectors, and come last", () => {
  // Coordinates 0 and 3 are never used.
  const a = new Float64Array(25);
  const inner = gramOf(3, 3, 9);
  [1, 2, 4].forEach((i, p) => [1, 2, 4].forEach((j, r) => a[i * 5 + j] = inner[p * 3 + r]!));
  const q = eigenbasis(a, 5);
  assert.deepEqual(column(q, 5, 3), [1, 0, 0, 0, 0]);
  assert.deepEqual(column(q, 5, 4), [0, 0, 0, 1, 0]);
  assert.deepEqual([0, 1, 2].map((j) => [q[j], q[15 + j]]), [[0, 0], [0, 0], [0, 0]]);
  assert.ok(defect(q, 5) <= 1e-6);
  const next = eigenbasis(a, 5, q);
  assertAllClose(column(next, 5, 3), [1, 0, 0, 0, 0], { absolute: 1e-7 });
  assertAllClose(column(next, 5, 4), [0, 0, 0, 1, 0], { absolute: 1e-7 });
});

Deno.test("what a matrix of low rank says nothing of stays orthogonal to the rest, and itself", () => {
  const n = 40;
  // Rank 8; the next matrix has the same span.
  const a = gramOf(7, n, 8, 1), q = eigenbasis(a, n);
  assert.ok(defect(q, n) <= 1e-6);
  const next = eigenbasis(Float32Array.from(a), n, q);
  assert.ok(defect(next, n) <= 1e-6);
  for (let j = 8; j < n; j++) {
    // Float32's rounding of A and Q, 2⁻²⁴ each of the trace, is as large as ε: directions drift a little.
    assert.ok(dot(column(next, n, j), column(q, n, j)) > 0.9, `column ${j}`);
  }
  // Rank 1, from the identity.
  const ones = new Float32Array(n * n).fill(1);
  const one = eigenbasis(ones, n, identityOf(n));
  assert.ok(defect(one, n) <= 1e-6);
  assertAllClose(column(one, n, 0), new Array(n).fill(1 / Math.sqrt(n)), { relative: 1e-4 });
  assert.ok(defect(eigenbasis(ones, n), n) <= 1e-6);
});

Deno.test("the scale of the matrix does not matter, and the same matrix gives the same bits", () => {
  const n = 17, a = gramOf(9, n, 40), q = eigenbasis(gramOf(10, n, 40), n);
  for (const scale of [2 ** -140, 2 ** 100, 2 ** 600]) {
    const scaled = a.map((x) => x * scale);
    assert.deepEqual(eigenbasis(scaled, n), eigenbasis(a, n));
    assert.deepEqual(eigenbasis(scaled, n, q), eigenbasis(a, n, q));
  }
});

Deno.test("sizes that do not fit are refused by name", () => {
  assert.throws(() => eigenbasis(new Float32Array(6), 2), {
    name: "TypeError",
    message: "Cannot refresh an eigenbasis: gram has 6 elements, expected shape [2,2]",
  });
  assert.throws(() => eigenbasis(new Float32Array(4), 2, new Float32Array(9)), {
    name: "TypeError",
    message: "Cannot refresh an eigenbasis: previous has 9 elements, expected shape [2,2]",
  });
});
