/**
 * The eigenbasis of a Gram matrix, and how it follows when the matrix moves.
 *
 * @module
 */
import { orthogonalIteration } from "./orthogonal_iteration.ts";
import { symmetricEigenvectors } from "./symmetric_eigenvectors.ts";

/**
 * Relative to the trace. What lies below float32's rounding of the matrix is noise: such directions
 * stay as they are, which a multiple of the identity added to the matrix brings about.
 */
const noise = 2 ** -24;

function identity(n: number): Float32Array {
  const q = new Float32Array(n * n);
  for (let i = 0; i < n; i++) q[i * n + i] = 1;
  return q;
}

/** The matrix over its largest entry, exactly symmetric; undefined if it is not finite. */
function scaled(gram: ArrayLike<number>, n: number): Float64Array | undefined {
  let largest = 0;
  for (let k = 0; k < n * n; k++) {
    const size = Math.abs(gram[k]!);
    if (!(size < Infinity)) return undefined; // also NaN
    if (size > largest) largest = size;
  }
  const a = new Float64Array(n * n);
  if (largest === 0) return a;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      const x = gram[i * n + j]! / largest, y = gram[j * n + i]! / largest;
      a[i * n + j] = a[j * n + i] = (x + y) / 2;
    }
  }
  return a;
}

function transposed<T extends Float32Array | Float64Array>(
  from: ArrayLike<number>,
  to: T,
  n: number,
) {
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) to[j * n + i] = from[i * n + j]!;
  }
  return to;
}

/** Eigenvectors by falling eigenvalue; coordinates with nothing in them come last and keep themselves. */
function decomposed(a: Float64Array, n: number): Float32Array {
  const used: number[] = [], unused: number[] = [];
  for (let i = 0; i < n; i++) (a[i * n + i]! > 0 ? used : unused).push(i);
  const m = used.length;
  const inner = new Float64Array(m * m);
  used.forEach((i, p) => used.forEach((j, r) => inner[p * m + r] = a[i * n + j]!));
  const found = symmetricEigenvectors(inner, m);
  if (!found) return identity(n);
  const { values, vectors } = found;
  const order = [...values.keys()].sort((x, y) => values[y]! - values[x]! || x - y);
  const q = new Float32Array(n * n);
  order.forEach((from, column) => {
    let largest = 0;
    for (let p = 0; p < m; p++) {
      const x = vectors[p * m + from]!;
      if (Math.abs(x) > Math.abs(largest)) largest = x;
    }
    const sign = largest < 0 ? -1 : 1;
    used.forEach((i, p) => q[i * n + column] = sign * vectors[p * m + from]!);
  });
  unused.forEach((i, k) => q[i * n + m + k] = 1);
  return q;
}

/**
 * Eigenvectors of a Gram matrix A [n, n] (symmetric, positive semidefinite), as the columns of Q [n, n],
 * row-major: orthonormal up to the rounding to float32.
 *
 * Without `previous`, all of them, by falling eigenvalue; the largest component of each is positive, and
 * coordinates whose row of A is 0 keep their unit vector, at the end. With `previous`, one step of
 * orthogonal iteration: the orthonormal factor Q of (A + ε I) · previous = Q R with positive diag(R), where
 * ε is 2⁻²⁴ of the trace. So each column continues the one before it, without changes of sign or
 * order; over refreshes the columns come to be sorted by falling eigenvalue, and what A says nothing of stays
 * as it is.
 *
 * If A holds NaN or ∞, or is 0, the result is `previous` itself, or the identity without it.
 *
 * Golub and Van Loan, "Matrix Computations" (2013), 8.2.4; Vyas et al., "SOAP" (2024), algorithm 4.
 *
 * @throws {TypeError} If `gram` or `previous` does not have n² elements.
 */
export function eigenbasis(
  gram: Float32Array | Float64Array,
  n: number,
  previous?: Float32Array,
): Float32Array {
  for (const [name, { length }] of Object.entries({ gram, ...(previous && { previous }) })) {
    if (length === n * n) continue;
    throw new TypeError(
      `Cannot refresh an eigenbasis: ${name} has ${length} elements, expected shape [${n},${n}]`,
    );
  }
  const a = scaled(gram, n);
  let trace = 0;
  for (let i = 0; a && i < n; i++) trace += a[i * n + i]!;
  if (!a || !(trace > 0)) return previous ?? identity(n);
  if (!previous) return decomposed(a, n);
  for (let i = 0; i < n; i++) a[i * n + i] = a[i * n + i]! + noise * trace;
  const rows = orthogonalIteration(a, n, transposed(previous, new Float64Array(n * n), n));
  return rows ? transposed(rows, new Float32Array(n * n), n) : previous;
}
