import {
  newtonDiagonal,
  newtonNote,
  newtonSplit,
  newtonUnconstrained,
  type OrderOptions,
  type Preconditioned,
  type QuadraticModel,
  type SplitBasis,
} from "./newton.ts";
import type { Rows } from "./_matrices.ts";

/** The model of the natural gradient: `½ dᵀFd − gᵀd` with the Fisher matrix F in the place of H. */
export interface NaturalModel {
  /** F, [n, n], symmetric positive definite. */
  readonly fisher: Rows;
  /** g, [n]. */
  readonly gradient: readonly number[];
  /** Var[g_s], [n, n], symmetric. */
  readonly noise: Rows;
}

function withFisher({ fisher, gradient, noise }: NaturalModel): QuadraticModel {
  return { curvature: fisher, gradient, noise };
}

/**
 * The best diagonal T for the natural gradient, in either order; see `newtonDiagonal`.
 *
 * @example
 * ```ts
 * import { naturalDiagonal } from "@precond/core/reference";
 * const { factor } = naturalDiagonal({ fisher: [[4]], gradient: [2], noise: [[4]] });
 * if (Math.abs(factor[0]! - 1 / 2) > 1e-12) throw new Error();
 * ```
 */
export function naturalDiagonal(model: NaturalModel, options: OrderOptions = {}): Preconditioned {
  return newtonDiagonal(withFisher(model), options);
}

/**
 * The note's own T for the natural gradient, exact for diagonal F only; see `newtonNote`.
 *
 * @example
 * ```ts
 * import { naturalNote } from "@precond/core/reference";
 * const { preconditioner } = naturalNote({ fisher: [[4]], gradient: [2], noise: [[4]] });
 * if (Math.abs(preconditioner[0]![0]! - 1 / 8) > 1e-12) throw new Error(); // T/f = (1/2)/4
 * ```
 */
export function naturalNote(model: NaturalModel, options: OrderOptions = {}): Preconditioned {
  return newtonNote(withFisher(model), options);
}

/**
 * The split form `BᵀDB` with `B F Bᵀ = I`; see `newtonSplit`.
 *
 * @example
 * ```ts
 * import { naturalSplit } from "@precond/core/reference";
 * const { preconditioner } = naturalSplit({ fisher: [[4]], gradient: [2], noise: [[4]] }, "cholesky");
 * if (Math.abs(preconditioner[0]![0]! - 1 / 8) > 1e-12) throw new Error(); // T/f = (1/2)/4
 * ```
 */
export function naturalSplit(model: NaturalModel, basis: SplitBasis): Preconditioned {
  return newtonSplit(withFisher(model), basis);
}

/**
 * The best unconstrained P, `F⁻¹ g gᵀ M⁻¹`; see `newtonUnconstrained`.
 *
 * @example
 * ```ts
 * import { naturalUnconstrained } from "@precond/core/reference";
 * const { preconditioner } = naturalUnconstrained({ fisher: [[4]], gradient: [2], noise: [[4]] });
 * if (Math.abs(preconditioner[0]![0]! - 1 / 8) > 1e-12) throw new Error(); // T/f = (1/2)/4
 * ```
 */
export function naturalUnconstrained(model: NaturalModel): Preconditioned {
  return newtonUnconstrained(withFisher(model));
}
