import { CholeskyDecomposition, Matrix } from "ml-matrix";

/** A dense matrix as rows of numbers. */
export type Rows = readonly (readonly number[])[];

/** Reads a square symmetric matrix; throws what is wrong with it otherwise. */
export function symmetric(rows: Rows, what: string, action: string): Matrix {
  const n = rows.length;
  if (n === 0 || rows.some((row) => row.length !== n)) {
    throw new TypeError(
      `Cannot ${action}: ${what} must be square, current shape is [${n},${rows[0]?.length ?? 0}]`,
    );
  }
  const size = Math.max(...rows.flat().map(Math.abs));
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      const [a, b] = [rows[i]![j]!, rows[j]![i]!];
      if (!(Math.abs(a - b) <= 1e-10 * size)) { // also catches NaN
        throw new RangeError(
          `Cannot ${action}: ${what} must be symmetric, [${i},${j}] is ${a} and [${j},${i}] is ${b}`,
        );
      }
    }
  }
  return new Matrix(rows.map((row) => [...row]));
}

/** Reads a symmetric positive definite matrix; throws what is wrong with it otherwise. */
export function positiveDefinite(rows: Rows, what: string, action: string): Matrix {
  const matrix = symmetric(rows, what, action);
  if (!new CholeskyDecomposition(matrix).isPositiveDefinite()) {
    throw new RangeError(`Cannot ${action}: ${what} must be positive definite`);
  }
  return matrix;
}

/** The elementwise product A∘B. */
export function hadamard(a: Matrix, b: Matrix): Matrix {
  return Matrix.mul(a, b);
}
