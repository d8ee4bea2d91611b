import { checkDecay, column, inverseOrZero, stored } from "./_history.ts";
import { emaWeights, weightedSum } from "./moments.ts";
import type { ReferenceEstimator } from "./types.ts";

/** Options of {@linkcode referenceInverseRms}; the names are those of the core's inverseRms. */
export interface InverseRmsOptions {
  decay?: number;
  debias?: boolean;
  epsilon?: number;
  placement?: "outside" | "inside" | "uncorrected";
}

/**
 * Adam's denominator `1/(√v + ε)` with `v = Σ ŵ x²`, or `1/√(v + ε)` for placement "inside", or
 * `√c/(√(c v) + ε)`, c = 1 − βᵗ, for "uncorrected".
 *
 * 0 where the denominator is 0. Throws a RangeError for a decay outside [0, 1).
 * Kingma & Ba, "Adam" (2015), arXiv 1412.6980.
 *
 * @example
 * ```ts
 * import { referenceInverseRms } from "@precond/core/reference";
 * const x = Float64Array.of(-4);
 * const step = { shape: [1], input: x, gradient: x, weights: x };
 * if (referenceInverseRms({ epsilon: 0 })([step])[0] !== 1 / 4) throw new Error();
 * ```
 */
export function referenceInverseRms(options: InverseRmsOptions = {}): ReferenceEstimator {
  const { decay = .999, debias = true, epsilon = 1e-8, placement = "outside" } = options;
  checkDecay(decay, "normalise by the root mean square");
  return (samples) => {
    const squares = samples.map(({ input }) => input.map((x) => x ** 2));
    const weights = emaWeights(samples.length, decay, { debias });
    return squares[0]!.map((_, i) => {
      const v = stored(weightedSum(column(squares, i), weights));
      if (placement === "uncorrected") {
        // The moment as its EMA from 0 has it, then the correction.
        const c = 1 - decay ** samples.length;
        const raw = stored(weightedSum(
          column(squares, i),
          emaWeights(samples.length, decay, {
            debias: false,
          }),
        ));
        return Math.sqrt(c) * inverseOrZero(Math.sqrt(raw) + epsilon);
      }
      return inverseOrZero(
        placement === "outside" ? Math.sqrt(v) + epsilon : Math.sqrt(v + epsilon),
      );
    });
  };
}
