/**
 * Host-side float64 weights of exponential moving averages.
 *
 * @module
 */
import type { Scalars } from "./types.ts";

/**
 * The weight of the newest of `count` samples: `wₙ = (1−β)/(1−βⁿ)`, which makes
 * `m += w(x − m)` the bias-corrected EMA; without debiasing the constant `1−β`.
 */
export function newestWeight(decay: number, count: number, debias = true): number {
  if (!debias) return 1 - decay;
  // −expm1(n ln β) keeps full precision for β near 1, where 1 − βⁿ cancels.
  return decay === 0 ? 1 : (1 - decay) / -Math.expm1(count * Math.log(decay));
}

/**
 * Weights for samples of unequal precision. With `b` the batch size relative to the first one,
 * a sample's variance is σ²/b and its weight b·βⁿ⁻ⁱ. State: `mass` Σ of weights;
 * `rho = Σ ŵ²/b` (the mean's variance is ρσ²); `mix = Σ ŵ/b` (E[D] = (mix − ρ)σ²).
 * For equal batches `mix = 1` and `rho` is the ρ of the field.
 */
export function weightedEma(
  decay: number,
  batchSize: number,
  previous: Scalars | undefined,
): Scalars & { w: number; rho: number; mix: number; mass: number; batch: number; b: number } {
  const batch = previous?.batch ?? batchSize;
  const b = batchSize / batch;
  const mass = decay * (previous?.mass ?? 0) + (1 - decay) * b;
  const w = previous ? (1 - decay) * b / mass : 1;
  const rho = (1 - w) ** 2 * (previous?.rho ?? 0) + w * w / b;
  const mix = (1 - w) * (previous?.mix ?? 0) + w / b;
  return { w, rho, mix, mass, batch, b };
}
