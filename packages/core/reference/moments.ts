import { checkDecay } from "./_history.ts";

/** The statistics of one element over its samples; the letters are those of the doc of {@linkcode moments}. */
export interface Moments {
  /** m */
  readonly mean: number;
  /** D = v − m² */
  readonly spread: number;
  /** v = m² + D */
  readonly secondMoment: number;
  /** ρ */
  readonly rho: number;
  /** s, unbiased for σ²; 0 for a single sample */
  readonly variance: number;
  /** m² − ρ s, unbiased for g²; often negative in noise */
  readonly signal: number;
  /** T = (m² − ρ s) / (m² + D), not clipped; 0 for 0/0 */
  readonly fraction: number;
  /** T_m = (m² − ρ s) / m², not clipped; 0 where m = 0 */
  readonly fractionOfMean: number;
}

/**
 * The weights `ŵ_i = β^(n−i) / Σ_j β^(n−j)` of an exponential average over n samples, oldest first.
 *
 * With `debias: false` they are `(1−β) β^(n−i)`, which do not sum to 1 (an average started from 0).
 * Throws a RangeError for a decay outside [0, 1).
 *
 * @example
 * ```ts
 * import { emaWeights } from "@precond/core/reference";
 * const [older, newer] = emaWeights(2, 0.9);
 * if (Math.abs(newer! - 1 / 1.9) > 1e-15 || Math.abs(older! - 0.9 / 1.9) > 1e-15) throw new Error();
 * ```
 */
export function emaWeights(
  count: number,
  decay: number,
  options: { debias?: boolean } = {},
): Float64Array {
  checkDecay(decay, "weigh the samples");
  const powers = Float64Array.from({ length: count }, (_, i) => decay ** (count - 1 - i));
  const total = options.debias === false ? 1 / (1 - decay) : powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / total);
}

/**
 * Σ_i w_i x_i
 *
 * @example
 * ```ts
 * import { weightedSum } from "@precond/core/reference";
 * if (weightedSum([1, 2], [10, 1]) !== 12) throw new Error();
 * ```
 */
export function weightedSum(samples: ArrayLike<number>, weights: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < samples.length; i++) {
    if (weights[i] !== 0) sum += weights[i]! * samples[i]!; // forgotten, even if it was infinite
  }
  return sum;
}

/**
 * The weighted moments of one element: `m = Σ ŵ x`, `D = Σ ŵ (x − m)²`, `ρ = Σ ŵ²`, `s = D/(1 − ρ)`.
 *
 * `weights` are normalised (they sum to 1). The signal is `m² − ρ s`, so `signal + s = m² + D` exactly.
 * Hilton, "Preconditioning for stochastic gradient descent" (2019); the corrections are those of a
 * weighted U-statistic.
 *
 * @example
 * ```ts
 * import { emaWeights, moments } from "@precond/core/reference";
 * const { variance, fraction } = moments([1, 2], emaWeights(2, 0.9));
 * if (Math.abs(variance - 0.5) > 1e-12 || Math.abs(fraction - 0.806122449) > 1e-10) throw new Error();
 * ```
 */
export function moments(samples: ArrayLike<number>, weights: ArrayLike<number>): Moments {
  const mean = weightedSum(samples, weights);
  const spread = weightedSum(Array.from(samples, (x) => (x - mean) ** 2), weights);
  const rho = weightedSum(weights, weights);
  // One sample says nothing of its noise: 0/0 is taken as no noise.
  const variance = rho === 1 ? 0 : spread / (1 - rho);
  const signal = mean ** 2 - rho * variance;
  const secondMoment = mean ** 2 + spread;
  return {
    mean,
    spread,
    secondMoment,
    rho,
    variance,
    signal,
    fraction: secondMoment === 0 ? 0 : signal / secondMoment,
    fractionOfMean: mean === 0 ? 0 : signal / mean ** 2,
  };
}

/**
 * The sum of squared normalised weights `ρ(β,t) = (1−β)(1+βᵗ) / ((1+β)(1−βᵗ))` of an average over t samples.
 *
 * Throws a RangeError for a decay outside [0, 1).
 *
 * @example
 * ```ts
 * import { emaRho } from "@precond/core/reference";
 * if (Math.abs(emaRho(0.9, 2) - 0.5013850416) > 1e-10) throw new Error();
 * ```
 */
export function emaRho(decay: number, steps: number): number {
  checkDecay(decay, "compute ρ");
  const power = decay ** steps;
  return (1 - decay) * (1 + power) / ((1 + decay) * (1 - power));
}

/** Unbiased statistics within one batch of n gradients of one element. */
export interface BatchMoments {
  /** (S1² − S2) / (n(n−1)), unbiased for g² */
  readonly signal: number;
  /** (S2 − S1²/n) / (n(n−1)), unbiased for the variance of the batch mean */
  readonly varianceOfMean: number;
  /** T = n/(n−1)·(1 − S2/S1²), not clipped; 0 where S1 = 0 */
  readonly fraction: number;
}

/**
 * The signal and the noise of one batch: with `S1 = Σ x`, `S2 = Σ x²`, `T = n/(n−1)·(1 − S2/S1²)`.
 *
 * `samples` are n per-example gradients of one element, or k micro-batch means. Throws a RangeError
 * for fewer than two.
 *
 * @example
 * ```ts
 * import { batchMoments } from "@precond/core/reference";
 * if (Math.abs(batchMoments([1, 2, 3, 6]).fraction - 47 / 54) > 1e-12) throw new Error();
 * ```
 */
export function batchMoments(samples: ArrayLike<number>): BatchMoments {
  const n = samples.length;
  if (n < 2) {
    throw new RangeError(
      `Cannot tell signal from noise within a batch: at least 2 samples are needed, got ${n}`,
    );
  }
  const s1 = Array.from(samples).reduce((sum, x) => sum + x, 0);
  const s2 = weightedSum(samples, samples);
  return {
    signal: (s1 ** 2 - s2) / (n * (n - 1)),
    varianceOfMean: (s2 - s1 ** 2 / n) / (n * (n - 1)),
    fraction: s1 === 0 ? 0 : n / (n - 1) * (1 - s2 / s1 ** 2),
  };
}

/**
 * The statistics of two half-batch means a, b: signal `ab`, variance of the mean `(a−b)²/4`, `T = 4ab/(a+b)²`.
 *
 * @example
 * ```ts
 * import { twoHalves } from "@precond/core/reference";
 * if (twoHalves(1.5, 4.5).fraction !== 3 / 4) throw new Error();
 * ```
 */
export function twoHalves(a: number, b: number): BatchMoments {
  return {
    signal: a * b,
    varianceOfMean: (a - b) ** 2 / 4,
    fraction: a + b === 0 ? 0 : 4 * a * b / (a + b) ** 2,
  };
}
