/** @module */
import type { PreconditionerEstimator } from "@precond/core";
import type { OracleMethod, SeparableQuadratic } from "@precond/core/reference";

/**
 * A factor that the benchmark hands over with each step, for methods that are told the truth.
 *
 * It travels as `gradientSquares`, the one channel of evidence that an exact curvature leaves free.
 */
export function oracleFactor(): PreconditionerEstimator {
  return {
    name: "oracleFactor",
    needs: ["gradient", "gradientSquares"],
    slots: {},
    rawSquares: true,
    scalars: () => ({}),
    estimate({ rawGradientSquares }) {
      if (!rawGradientSquares) throw new TypeError("Cannot scale: the oracle said nothing");
      return { factor: rawGradientSquares, slots: {} };
    },
  };
}

/** The true factors of an oracle method as its ensemble moves. */
export interface Oracle {
  /** The factor of each coordinate at the current step. */
  readonly factor: Float64Array;
  /** The ensemble after one step with the current factors. */
  advance(): void;
}

/**
 * Follows s = E θ²: `T = h²s/(h²s + c)` for SNR and combined (whose H⁻¹ is a stage of its own),
 * `1/√(h²s + c)` for Adam. Apart from the reference, which predicts the risk.
 */
export function followOracle(
  { h, c, s0 }: SeparableQuadratic,
  method: OracleMethod,
  learningRate: number,
): Oracle {
  const s = s0.slice();
  const factor = new Float64Array(s.length);
  const look = () => {
    for (let i = 0; i < h.length; i++) {
      const signal = h[i]! ** 2 * s[i]!;
      const total = signal + c[i]!;
      factor[i] = total === 0 ? 0 : method === "adam" ? 1 / Math.sqrt(total) : signal / total;
    }
  };
  look();
  return {
    factor,
    advance() {
      for (let i = 0; i < h.length; i++) {
        const P = learningRate * factor[i]! / (method === "combined" ? h[i]! : 1);
        s[i] = (1 - P * h[i]!) ** 2 * s[i]! + P * P * c[i]!;
      }
      look();
    },
  };
}
