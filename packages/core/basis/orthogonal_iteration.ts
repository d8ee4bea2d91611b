/**
 * One step of orthogonal iteration, Q ← the orthonormal factor of A Q.
 *
 * Golub and Van Loan, "Matrix Computations" (2013), 8.2.4; Vyas et al., "SOAP: Improving and
 * stabilizing Shampoo using Adam" (2024), algorithm 4.
 *
 * @module
 */

/**
 * A vector that keeps less than this of its length loses that many digits of orthogonality, and is
 * projected once more: 2⁻⁵² / 2⁻¹⁰ is still far below float32's 2⁻²⁴.
 */
const enough = 2 ** -10;

/** `out = q · a` with a symmetric `a`, all [n, n]: products of rows, eight at a time. */
function multiplyRows(q: Float64Array, a: Float64Array, out: Float64Array, n: number): void {
  // Rows beyond the last repeat it.
  const last = (n - 1) * n;
  for (let j = 0; j < n; j += 4) {
    const a0 = j * n;
    const a1 = Math.min(a0 + n, last), a2 = Math.min(a0 + 2 * n, last);
    const a3 = Math.min(a0 + 3 * n, last);
    const j1 = Math.min(j + 1, n - 1), j2 = Math.min(j + 2, n - 1), j3 = Math.min(j + 3, n - 1);
    for (let q0 = 0; q0 <= last; q0 += 2 * n) {
      const q1 = Math.min(q0 + n, last);
      let c00 = 0, c01 = 0, c02 = 0, c03 = 0, c10 = 0, c11 = 0, c12 = 0, c13 = 0;
      for (let p = 0; p < n; p++) {
        const x0 = q[q0 + p]!, x1 = q[q1 + p]!;
        const y0 = a[a0 + p]!, y1 = a[a1 + p]!, y2 = a[a2 + p]!, y3 = a[a3 + p]!;
        c00 += x0 * y0;
        c01 += x0 * y1;
        c02 += x0 * y2;
        c03 += x0 * y3;
        c10 += x1 * y0;
        c11 += x1 * y1;
        c12 += x1 * y2;
        c13 += x1 * y3;
      }
      out[q0 + j] = c00;
      out[q0 + j1] = c01;
      out[q0 + j2] = c02;
      out[q0 + j3] = c03;
      out[q1 + j] = c10;
      out[q1 + j1] = c11;
      out[q1 + j2] = c12;
      out[q1 + j3] = c13;
    }
  }
}

function length(v: Float64Array, at: number, n: number): number {
  let sum = 0;
  for (let k = 0; k < n; k++) sum += v[at + k]! * v[at + k]!;
  return Math.sqrt(sum);
}

/** Takes from row `at` its parts along the rows before it, four at a time. */
function project(v: Float64Array, at: number, n: number): void {
  let from = 0;
  for (; from + 4 * n <= at; from += 4 * n) {
    const [q1, q2, q3] = [from + n, from + 2 * n, from + 3 * n];
    let s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    for (let k = 0; k < n; k++) {
      const x = v[at + k]!;
      s0 += v[from + k]! * x;
      s1 += v[q1 + k]! * x;
      s2 += v[q2 + k]! * x;
      s3 += v[q3 + k]! * x;
    }
    for (let k = 0; k < n; k++) {
      v[at + k] = v[at + k]! - s0 * v[from + k]! - s1 * v[q1 + k]! - s2 * v[q2 + k]! -
        s3 * v[q3 + k]!;
    }
  }
  for (; from < at; from += n) {
    let s = 0;
    for (let k = 0; k < n; k++) s += v[from + k]! * v[at + k]!;
    for (let k = 0; k < n; k++) v[at + k] = v[at + k]! - s * v[from + k]!;
  }
}

/**
 * Makes the rows of `v` [n, n] orthonormal, from the first on (modified Gram-Schmidt): each has a
 * positive part along what it was. Returns false if a row lies in the span of those before it.
 */
export function orthonormalizeRows(v: Float64Array, n: number): boolean {
  for (let at = 0; at < n * n; at += n) {
    let before = length(v, at, n), after = before;
    // Twice is enough (Kahan and Parlett); a third time shows that nothing but rounding is left.
    for (let turn = 0;; turn++) {
      project(v, at, n);
      after = length(v, at, n);
      if (after >= enough * before) break;
      if (!(after > 0) || turn === 2) return false;
      before = after;
    }
    if (!(after > 0)) return false;
    for (let k = 0; k < n; k++) v[at + k] = v[at + k]! / after;
  }
  return true;
}

/**
 * One step on eigenvectors as rows: the rows of `q · a`, orthonormal again. With a positive definite
 * `a`, each row has a positive product with what it was, so that no sign changes.
 *
 * @returns Undefined if the result has no full rank.
 */
export function orthogonalIteration(
  a: Float64Array,
  n: number,
  q: Float64Array,
): Float64Array | undefined {
  const next = new Float64Array(n * n);
  multiplyRows(q, a, next, n);
  return orthonormalizeRows(next, n) ? next : undefined;
}
