import { checkDecay, column, inverseOrZero, stored } from "./_history.ts";
import { emaWeights, weightedSum } from "./moments.ts";
import type { ReferenceEstimator, Snapshot } from "./types.ts";

/** Where the samples of the curvature's diagonal come from. */
export type CurvatureSource =
  | { readonly kind: "hutchinson" | "gaussNewton" | "fisher" | "user" }
  | { readonly kind: "empiricalFisher"; readonly from: "gradient" | "gradientSquares" };

/** Options of {@linkcode referenceInverseCurvature}; the names are those of the core's inverseCurvature. */
export interface InverseCurvatureOptions {
  decay?: number;
  debias?: boolean;
  moment?: "mean" | "rms";
  sign?: "absolute" | "positive";
  gain?: number;
  damping?: number;
  dampingForm?: "add" | "max" | "relative";
  stepClip?: number;
  warmup?: number;
}

/**
 * The damped inverse `1/(gain·|h| + damping)` of the average diagonal curvature h.
 *
 * `h = Σ ŵ c` over the samples seen so far (`√(Σ ŵ c²)` for moment "rms"); dampingForm "max" divides
 * by `max(κ, damping)`, "relative" takes damping times the tensor's mean κ; 0 where the denominator is 0. Curvature is of the mean loss. Throws an Error
 * when the first step brings no sample, a RangeError for a decay outside [0, 1).
 *
 * @example
 * ```ts
 * import { referenceInverseCurvature } from "@precond/core/reference";
 * const one = Float64Array.of(1);
 * const step = { shape: [1], input: one, gradient: one, weights: one, curvature: Float64Array.of(4) };
 * const [factor] = referenceInverseCurvature({ kind: "user" }, { damping: 0 })([step]);
 * if (factor !== 1 / 4) throw new Error();
 * ```
 */
export function referenceInverseCurvature(
  source: CurvatureSource,
  options: InverseCurvatureOptions = {},
): ReferenceEstimator {
  const {
    decay = .99,
    debias = true,
    moment = "mean",
    sign = "absolute",
    gain = 1,
    damping = 1e-4,
    dampingForm = "add",
    stepClip = Infinity,
    warmup = 1,
  } = options;
  checkDecay(decay, "invert the curvature");
  const estimate = (samples: readonly Snapshot[]): Float64Array => {
    if (sampleOf(source, samples[0]!) === undefined) {
      throw new Error(
        `Cannot invert the curvature: the first step brings no ${source.kind} sample`,
      );
    }
    const curvatures = samples.flatMap((snapshot) => sampleOf(source, snapshot) ?? []);
    const weights = emaWeights(curvatures.length, decay, { debias });
    if (curvatures.length < warmup) return curvatures[0]!.map(() => 0);
    const kappas = curvatures[0]!.map((_, i) => {
      const c = column(curvatures, i);
      const h = moment === "rms"
        ? Math.sqrt(stored(weightedSum(c.map((c) => c ** 2), weights)))
        : stored(weightedSum(c, weights));
      return gain * (sign === "absolute" ? Math.abs(h) : Math.max(h, 0));
    });
    const mean = kappas.reduce((a, b) => a + b, 0) / kappas.length;
    const lambda = dampingForm === "relative" ? damping * mean : damping;
    return kappas.map((kappa) =>
      inverseOrZero(dampingForm === "max" ? Math.max(kappa, lambda) : kappa + lambda)
    );
  };
  return Object.assign(estimate, Number.isFinite(stepClip) ? { limit: stepClip } : {});
}

/** The curvature sample of a step, if it has one; the empirical Fisher makes its own. */
function sampleOf(source: CurvatureSource, snapshot: Snapshot): Float64Array | undefined {
  if (source.kind !== "empiricalFisher") return snapshot.curvature;
  if (source.from === "gradientSquares") return snapshot.gradientSquares?.raw;
  return snapshot.gradient.map((g) => (snapshot.batchSize ?? 1) * g ** 2);
}
