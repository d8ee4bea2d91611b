import {
  CholeskyDecomposition,
  EigenvalueDecomposition,
  inverse,
  Matrix,
  pseudoInverse,
  solve,
} from "ml-matrix";
import { hadamard, positiveDefinite, type Rows, symmetric } from "./_matrices.ts";
import { inverseOrZero } from "./_history.ts";

/**
 * The local quadratic model `½ dᵀHd − gᵀd` of taking the step −d, with a noisy gradient g_s.
 *
 * E[g_s] = g and Var[g_s] = `noise`, both for the mean over the batch; n parameters.
 */
export interface QuadraticModel {
  /** H, [n, n], symmetric positive definite. */
  readonly curvature: Rows;
  /** g, [n]. */
  readonly gradient: readonly number[];
  /** Var[g_s], [n, n], symmetric. */
  readonly noise: Rows;
}

/** A preconditioner P of the quadratic model and the expected change of the loss by d = P g_s. */
export interface Preconditioned {
  /** The diagonal of T, or of D in the split form. */
  readonly factor: Float64Array;
  /** P, [n, n]. */
  readonly preconditioner: number[][];
  /** E[½ dᵀHd − gᵀd]; negative is a decrease. */
  readonly value: number;
}

/** Which factor is applied to the gradient first: "snr" is H⁻¹T, "curvature" is T H⁻¹. */
export interface OrderOptions {
  first?: "snr" | "curvature";
}

/** B with B H Bᵀ = I: H^(−½), Λ^(−½)Uᵀ, or chol(H)⁻¹. */
export type SplitBasis = "symmetricRoot" | "eigenvectors" | "cholesky";

interface Letters {
  H: Matrix;
  Hinv: Matrix;
  g: Matrix;
  /** E[g_s g_sᵀ] = g gᵀ + Var */
  M: Matrix;
}

function read({ curvature, gradient, noise }: QuadraticModel): Letters {
  const action = "precondition the quadratic model";
  const H = positiveDefinite(curvature, "the curvature", action);
  const variance = symmetric(noise, "the noise", action);
  const n = H.rows;
  if (gradient.length !== n || variance.rows !== n) {
    throw new TypeError(
      `Cannot ${action}: the curvature is [${n},${n}], the gradient is [${gradient.length}], ` +
        `the noise is [${variance.rows},${variance.rows}]`,
    );
  }
  const g = Matrix.columnVector(gradient);
  return { H, Hinv: inverse(H), g, M: g.mmul(g.transpose()).add(variance) };
}

/** E[½ dᵀHd − gᵀd] = ½ tr(PᵀHP M) − gᵀPg for d = P g_s. */
function objective({ H, g, M }: Letters, P: Matrix): number {
  const quadratic = P.transpose().mmul(H).mmul(P).mmul(M).trace();
  return quadratic / 2 - g.transpose().mmul(P).mmul(g).get(0, 0);
}

function result(letters: Letters, factor: ArrayLike<number>, P: Matrix): Preconditioned {
  return {
    factor: Float64Array.from(factor),
    preconditioner: P.to2DArray(),
    value: objective(letters, P),
  };
}

function inOrder(letters: Letters, T: number[], first: "snr" | "curvature"): Preconditioned {
  const { Hinv } = letters;
  const D = Matrix.diag(T);
  return result(letters, T, first === "snr" ? Hinv.mmul(D) : D.mmul(Hinv));
}

/**
 * The expected change of the loss `E[½ dᵀHd − gᵀd]` by `d = P g_s`, for any [n, n] matrix P.
 *
 * Throws a TypeError or RangeError where H is not square, symmetric and positive definite.
 *
 * @example
 * ```ts
 * import { quadraticObjective } from "@precond/core/reference";
 * const model = { curvature: [[2]], gradient: [4], noise: [[0]] };
 * if (quadraticObjective(model, [[1 / 2]]) !== -(4 ** 2) / (2 * 2)) throw new Error();
 * ```
 */
export function quadraticObjective(model: QuadraticModel, preconditioner: Rows): number {
  return objective(read(model), new Matrix(preconditioner.map((row) => [...row])));
}

/**
 * The best diagonal T in `P = H⁻¹T` (first "snr") or `P = T H⁻¹` (first "curvature"), for any SPD H.
 *
 * `(H⁻¹ ∘ M) T = g ∘ H⁻¹g`, and `(H ∘ M̃) T = g̃ ∘ g` with `g̃ = H⁻¹g`, `M̃ = H⁻¹MH⁻¹`: the stationarity
 * conditions of the expected change of the loss. For diagonal H both are `T = g²/M_ii`. Errors as
 * {@linkcode quadraticObjective}.
 *
 * @example
 * ```ts
 * import { newtonDiagonal } from "@precond/core/reference";
 * const model = { curvature: [[2, 1], [1, 2]], gradient: [1, 1], noise: [[1, 0], [0, 0]] };
 * const { factor } = newtonDiagonal(model);
 * if (Math.abs(factor[0]! - 3 / 7) > 1e-12 || Math.abs(factor[1]! - 5 / 7) > 1e-12) throw new Error();
 * ```
 */
export function newtonDiagonal(model: QuadraticModel, options: OrderOptions = {}): Preconditioned {
  const { first = "snr" } = options;
  const letters = read(model);
  const { H, Hinv, g, M } = letters;
  const newton = Hinv.mmul(g);
  const system = first === "snr" ? hadamard(Hinv, M) : hadamard(H, Hinv.mmul(M).mmul(Hinv));
  // By SVD: an element without gradient and noise makes the system singular; its T is then 0.
  const T = solve(system, hadamard(g, newton), true).to1DArray();
  return inOrder(letters, T, first);
}

/**
 * The note's own T for Newton's method: `g_i²/M_ii`, or `g̃_i²/M̃_ii` of `g̃ = H⁻¹g` for first "curvature".
 *
 * Optimal only for diagonal H or without noise; elsewhere it can increase the expected loss. Errors
 * as {@linkcode quadraticObjective}. Hilton, "Preconditioning for stochastic gradient descent" (2019).
 *
 * @example
 * ```ts
 * import { newtonNote } from "@precond/core/reference";
 * const model = { curvature: [[2, 1], [1, 2]], gradient: [1, 1], noise: [[1, 0], [0, 0]] };
 * if (Math.abs(newtonNote(model).value + 1 / 6) > 1e-12) throw new Error();
 * ```
 */
export function newtonNote(model: QuadraticModel, options: OrderOptions = {}): Preconditioned {
  const { first = "snr" } = options;
  const letters = read(model);
  const { Hinv, g, M } = letters;
  const seen = first === "snr" ? g : Hinv.mmul(g);
  const moment = first === "snr" ? M : Hinv.mmul(M).mmul(Hinv);
  const T = seen.to1DArray().map((g, i) => g ** 2 * inverseOrZero(moment.get(i, i)));
  return inOrder(letters, T, first);
}

/**
 * The split form `P = BᵀDB` with `B H Bᵀ = I` and `D_i = (Bg)_i² / E[(Bg_s)_i²]`, exact for any SPD H.
 *
 * Its value is `−½ Σ (Bg)_i⁴ / E[(Bg_s)_i²]`; P is symmetric and positive semi-definite. Errors as
 * {@linkcode quadraticObjective}.
 *
 * @example
 * ```ts
 * import { newtonSplit } from "@precond/core/reference";
 * const model = { curvature: [[4]], gradient: [2], noise: [[4]] }; // T = 1/2, P = T/h
 * if (Math.abs(newtonSplit(model, "cholesky").preconditioner[0]![0]! - 1 / 8) > 1e-15) throw new Error();
 * ```
 */
export function newtonSplit(model: QuadraticModel, basis: SplitBasis): Preconditioned {
  const letters = read(model);
  const B = splitBasis(letters.H, basis);
  const Bg = B.mmul(letters.g).to1DArray();
  const moment = B.mmul(letters.M).mmul(B.transpose());
  const D = Bg.map((g, i) => g ** 2 * inverseOrZero(moment.get(i, i)));
  return result(letters, D, B.transpose().mmul(Matrix.diag(D)).mmul(B));
}

function splitBasis(H: Matrix, basis: SplitBasis): Matrix {
  if (basis === "cholesky") return inverse(new CholeskyDecomposition(H).lowerTriangularMatrix);
  const eigen = new EigenvalueDecomposition(H, { assumeSymmetric: true });
  const U = eigen.eigenvectorMatrix;
  const root = Matrix.diag(eigen.realEigenvalues.map((value) => 1 / Math.sqrt(value)));
  const B = root.mmul(U.transpose());
  return basis === "eigenvectors" ? B : U.mmul(B);
}

/**
 * The best unconstrained P: `H⁻¹T` with the rank-one `T = g gᵀ M⁻¹`, exact for any SPD H.
 *
 * Its value is `−½ (gᵀH⁻¹g)(gᵀM⁻¹g)`; `factor` is the diagonal of T. Errors as
 * {@linkcode quadraticObjective}.
 *
 * @example
 * ```ts
 * import { newtonUnconstrained } from "@precond/core/reference";
 * const model = { curvature: [[4]], gradient: [2], noise: [[4]] };
 * if (Math.abs(newtonUnconstrained(model).factor[0]! - 1 / 2) > 1e-12) throw new Error();
 * ```
 */
export function newtonUnconstrained(model: QuadraticModel): Preconditioned {
  const letters = read(model);
  const { Hinv, g, M } = letters;
  const T = g.mmul(g.transpose()).mmul(pseudoInverse(M)); // g is in the range of M, singular or not
  return result(letters, T.diagonal(), Hinv.mmul(T));
}

/**
 * Plain Newton, P = H⁻¹, whose factor is 1.
 *
 * @example
 * ```ts
 * import { newtonPlain } from "@precond/core/reference";
 * const { value } = newtonPlain({ curvature: [[4]], gradient: [2], noise: [[4]] });
 * if (value !== 0) throw new Error(); // as much noise as signal: nothing is gained
 * ```
 */
export function newtonPlain(model: QuadraticModel): Preconditioned {
  const letters = read(model);
  return inOrder(letters, letters.g.to1DArray().map(() => 1), "snr");
}
