import { checkDecay, column, stored } from "./_history.ts";
import { emaWeights, weightedSum } from "./moments.ts";
import type { ReferenceEstimator } from "./types.ts";

/** Options of {@linkcode referenceNormalizedSignal}; the names are those of the core's normalizedSignal. */
export interface NormalizedSignalOptions {
  decay?: number;
  exponent?: number;
  growth?: number;
  memory?: number;
  warmup?: number;
  floor?: number;
  epsilon?: number;
}

/** The normalised weights of n samples in a mean whose memory grows. */
function growingWeights(n: number, growth: number, memory: number, warmup: number): Float64Array {
  let weights: number[] = [];
  for (let t = 1; t <= n; t++) {
    const tau = Math.min(t <= warmup ? t : warmup + growth * (t - warmup), Math.max(1, memory));
    weights = [...weights.map((w) => w * (1 - 1 / tau)), 1 / tau];
  }
  return Float64Array.from(weights);
}

/**
 * `Tᵖ/√u` with `u = v + ε²`, `v = Σ ŵ x²` (an EMA), `m = Σ ω x` (memory that grows), `ρ = Σ ω²` and
 * `T = (m²/u − ρ)/(1 − ρ)` between floor·ρ and 1; 1 on the first sample.
 *
 * In a basis m is over the inputs as the basis of the last step sees them (`turned`). Throws a
 * RangeError for a decay outside [0, 1).
 *
 * @example
 * ```ts
 * import { referenceNormalizedSignal } from "@precond/core/reference";
 * const step = (g: number) => {
 *   const x = Float64Array.of(g);
 *   return { shape: [1], input: x, gradient: x, weights: x };
 * };
 * // Gradients 1 and 1, plain averages: m = v = 1, ρ = 1/2, T = 1.
 * const [factor] = referenceNormalizedSignal({ epsilon: 0 })([step(1), step(1)]);
 * if (Math.abs(factor! - 1) > 1e-12) throw new Error();
 * ```
 */
export function referenceNormalizedSignal(
  options: NormalizedSignalOptions = {},
): ReferenceEstimator {
  const {
    decay = .999,
    exponent = .5,
    growth = .5,
    memory = 1000,
    warmup = 10,
    floor = .5,
    epsilon = 1e-8,
  } = options;
  checkDecay(decay, "estimate the normalised signal");
  return (samples) => {
    const squares = samples.map(({ input }) => input.map((x) => x ** 2));
    const turned = samples.map((s) => s.turned ?? s.input);
    const forV = emaWeights(samples.length, decay, { debias: true });
    const forM = growingWeights(samples.length, growth, memory, warmup);
    const rho = weightedSum(forM, forM);
    return squares[0]!.map((_, i) => {
      const v = stored(weightedSum(column(squares, i), forV));
      const m = weightedSum(column(turned, i), forM);
      if (v === 0 || v > 2 ** 126) return 0; // no gradient ever, or one whose square is too large
      const size = v + epsilon ** 2;
      const T = samples.length === 1 ? 1 : (m ** 2 / size - rho) / (1 - rho);
      return Math.min(1, Math.max(T, floor * rho)) ** exponent / Math.sqrt(size);
    });
  };
}
