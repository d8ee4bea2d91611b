/**
 * What merged averages weigh: as if one optimizer had seen the samples of all.
 *
 * @module
 */
import type { MergedScalars, Scalars } from "./types.ts";

/** An average in a state that is merged. */
export interface MergedAverage {
  /** p: of all states together 1. */
  readonly weight: number;
  /** ρ, the sum of its squared weights. */
  readonly rho: number;
  /** What part of its weights lies on samples from before the states parted. */
  readonly shared: number;
}

/**
 * ρ of the merged average `Σ p m`. Samples of different states are independent: `Σ p² ρ`; those that all
 * of them have from before, in an average of ρ₀, have the sum of their weights, aₖ of state k:
 * `Σ p²(ρ − a² ρ₀) + (Σ p a)² ρ₀`.
 */
export function mergedRho(states: readonly MergedAverage[], rho0 = 0): number {
  let [own, common] = [0, 0];
  for (const { weight: p, rho, shared: a } of states) {
    own += p * p * (rho - a * a * rho0);
    common += p * a;
  }
  return own + common * common * rho0;
}

/**
 * The state of `weightedEma()` after merging: `mass` and `mix` in the mean, `rho` by
 * {@linkcode mergedRho}. Numbers that are relative to the first batch become so to the largest one.
 */
export function mergedEma(
  decay: number,
  states: readonly MergedScalars[],
  base: MergedScalars | undefined,
): Scalars & { rho: number; mix: number } & { mass: number; batch: number; b: number } {
  const batch = Math.max(...states.map(({ scalars }) => scalars.batch!));
  const emaOf = ({ rho, mix, mass, batch: own, b, count }: Scalars) => {
    const unit = batch / own!;
    return { rho: rho! * unit, mix: mix! * unit, mass: mass! / unit, b: b! / unit, count: count! };
  };
  const before = base && emaOf(base.scalars);
  let [mix, mass, b, count] = [0, 0, 0, 0];
  const averages = states.map(({ weight, scalars }): MergedAverage => {
    const own = emaOf(scalars);
    mix += weight * own.mix;
    mass += weight * own.mass;
    b += weight * own.b;
    count = Math.max(count, own.count);
    const shared = before ? decay ** (own.count - before.count) * before.mass / own.mass : 0;
    return { weight, rho: own.rho, shared };
  });
  return { rho: mergedRho(averages, before?.rho), mix, mass, batch, b, count };
}
