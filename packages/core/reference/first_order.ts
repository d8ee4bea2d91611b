/** The optimum of a constrained problem: the diagonal factor and the value it reaches. */
export interface FirstOrderOptimum {
  readonly factor: Float64Array;
  readonly value: number;
}

/**
 * The diagonal T that maximises the first-order decrease `E[gᵀ T g_s]` under `E‖T g_s‖² ≤ 1`.
 *
 * `T_i = (g_i²/M_ii) / √(Σ_j g_j⁴/M_jj)`, with value `√(Σ_j g_j⁴/M_jj)`; `M_ii = E[g_s,i²]` is the
 * diagonal of the second moment (its off-diagonal part is irrelevant). All zero where g is. Throws a
 * TypeError for different lengths. Hilton, "Preconditioning for stochastic gradient descent" (2019),
 * first order.
 *
 * @example
 * ```ts
 * import { firstOrderOptimum } from "@precond/core/reference";
 * const { factor, value } = firstOrderOptimum([3, 4], [9, 16]); // no noise: g/‖g‖
 * if (value !== 5 || factor[0] !== 1 / 5 || factor[1] !== 1 / 5) throw new Error();
 * ```
 */
export function firstOrderOptimum(
  gradient: ArrayLike<number>,
  secondMoment: ArrayLike<number>,
): FirstOrderOptimum {
  if (gradient.length !== secondMoment.length) {
    throw new TypeError(
      `Cannot find the first-order optimum: the gradient has ${gradient.length} elements, ` +
        `the second moment has ${secondMoment.length}`,
    );
  }
  const T = Float64Array.from(gradient, (g, i) => g === 0 ? 0 : g ** 2 / secondMoment[i]!);
  const value = Math.sqrt(T.reduce((sum, T, i) => sum + T * gradient[i]! ** 2, 0));
  return { factor: T.map((T) => value === 0 ? 0 : T / value), value };
}
