import { mapLast } from "./_history.ts";
import type { ReferenceEstimator, ReferenceStage } from "./types.ts";

/**
 * Multiplies the update by an estimated diagonal factor: `factor(x) · x`, or `factor(x) · to(x)`.
 *
 * The update is clamped to ±`estimator.limit` where there is one. The gradient squares flow on as
 * `q · factor²`, and are dropped when `to` is given.
 *
 * @example
 * ```ts
 * import { referenceInverseRms, scaleByStage } from "@precond/core/reference";
 * const x = Float64Array.of(-4, 2);
 * const history = [{ w: { shape: [2], input: x, gradient: x, weights: x } }];
 * const { update } = scaleByStage(referenceInverseRms({ epsilon: 0 }))(history)["w"]!;
 * if (update[0] !== -1 || update[1] !== 1) throw new Error();
 * ```
 */
export function scaleByStage(
  estimator: ReferenceEstimator,
  options: { to?: ReferenceStage } = {},
): ReferenceStage {
  const { to } = options;
  const limit = estimator.limit ?? Infinity;
  return (history) => {
    const inner = to?.(history);
    return mapLast(history, (name, samples, { input, gradientSquares }) => {
      const factor = estimator(samples);
      const x = inner === undefined ? input : inner[name]!.update;
      const q = to === undefined ? gradientSquares?.input : undefined;
      return {
        update: x.map((x, i) => Math.min(Math.max(factor[i]! * x, -limit), limit)),
        ...(q && { gradientSquares: q.map((q, i) => q * factor[i]! ** 2) }),
      };
    });
  };
}
