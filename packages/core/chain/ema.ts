/**
 * Exponential moving averages and their weights, which the host computes in float64.
 *
 * @module
 */
import { add, type Expr, mul } from "../kernel/expr.ts";
import type { RuleInputs, Scalars } from "./types.ts";

/** The largest float32: a second moment beyond it is infinite. */
export const largest = 3.4028234663852886e38;

/**
 * The scalars `w`, the weight of the newest sample, and `keep = 1 − w`, that of what was averaged
 * before. Both are exact in float32: a constant stays what it is.
 */
export function weights(w: number): { w: number; keep: number } {
  const keep = Math.fround(1 - w);
  return { w: 1 - keep, keep };
}

/**
 * `m ← keep·m + w·x`. An average that overflowed stays infinite and stops its element, as in
 * tf.train.adam; `m + w(x − m)` would make NaN of it. With no memory at all the newest sample is
 * the average, whatever there was before.
 */
export function average(
  memory: number,
  old: Expr,
  x: Expr,
  scalar: RuleInputs["scalar"],
): Expr {
  return memory === 0 ? x : add(mul(scalar("keep"), old), mul(scalar("w"), x));
}

/**
 * The weight of the newest of `count` samples: `wₙ = (1−β)/(1−βⁿ)`, which makes
 * `m ← (1−w)m + wx` the bias-corrected EMA; without debiasing the constant `1−β`.
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
 * For equal batches `mix = 1` and `rho` is the ρ of the field. `count` is n.
 */
export function weightedEma(
  decay: number,
  batchSize: number,
  previous: Scalars | undefined,
): Scalars & {
  w: number;
  rho: number;
  mix: number;
  mass: number;
  batch: number;
  b: number;
  count: number;
} {
  const batch = previous?.batch ?? batchSize;
  const b = batchSize / batch;
  const mass = decay * (previous?.mass ?? 0) + (1 - decay) * b;
  const w = previous ? (1 - decay) * b / mass : 1;
  const rho = (1 - w) ** 2 * (previous?.rho ?? 0) + w * w / b;
  const mix = (1 - w) * (previous?.mix ?? 0) + w / b;
  return { w, rho, mix, mass, batch, b, count: (previous?.count ?? 0) + 1 };
}
