import { checkDecay, column, poolOf, stored, sumRange } from "./_history.ts";
import { emaWeights, moments, weightedSum } from "./moments.ts";
import type { ReferenceEstimator, Snapshot } from "./types.ts";

/** Options of {@linkcode referenceSignalFraction}; the names are those of the core's signalFraction. */
export interface SignalFractionOptions {
  decay?: number;
  memory?: "fixed" | "adaptive";
  warmup?: number;
  from?: "steps" | "gradientSquares";
  of?: "sample" | "mean";
  correction?: "unbiased" | "variance" | "none";
  exponent?: number;
  scale?: "absolute" | "unit-norm" | "signal";
  pool?: "element" | "row" | "tensor";
  floor?: number;
  lag?: boolean;
}

type Settings = Required<SignalFractionOptions>;

/** N and M of T = N/M, the energy E of what T multiplies, and ρ; one number per element. */
interface Ratio {
  N: Float64Array;
  M: Float64Array;
  E: Float64Array;
  rho: Float64Array;
}

/**
 * The signal fraction `T = g² / (g² + σ²)` of whatever it multiplies, from the whole history.
 *
 * With `m = Σ ŵ x`, `D = Σ ŵ (x − m)²`, `s = D/(1 − ρ)`: `T = (m² − ρ s) / (m² + D)`, at least
 * `floor·ρ`, raised to `exponent`; `scale: "unit-norm"` multiplies by `√(ΣE / ΣT²E)`. 0 for 0/0.
 * Throws a RangeError for options out of range, a TypeError when `gradientSquares` were dropped
 * by an earlier stage. Hilton, "Preconditioning for stochastic gradient descent" (2019).
 *
 * @example
 * ```ts
 * import { referenceSignalFraction } from "@precond/core/reference";
 * const step = (g: number) => ({
 *   shape: [1],
 *   input: Float64Array.of(g),
 *   gradient: Float64Array.of(g),
 *   weights: Float64Array.of(0),
 * });
 * const [T] = referenceSignalFraction({ decay: 0.9 })([step(1), step(2)]);
 * if (Math.abs(T! - 0.806122449) > 1e-10) throw new Error();
 * ```
 */
export function referenceSignalFraction(options: SignalFractionOptions = {}): ReferenceEstimator {
  const settings: Settings = {
    decay: .9,
    memory: "fixed",
    warmup: 2,
    from: "steps",
    of: "sample",
    correction: "unbiased",
    exponent: 1,
    scale: "absolute",
    pool: "element",
    floor: .5,
    lag: false,
    ...options,
  };
  check(settings);
  return (samples) => {
    const seen = settings.lag ? samples.slice(0, -1) : samples;
    const one = () => new Float64Array(samples.at(-1)!.input.length).fill(1);
    if (seen.length === 0) return one();
    const ratio = settings.from === "gradientSquares"
      ? fromSquares(seen, settings)
      : fromSteps(seen, settings);
    if (ratio === undefined) return one();
    const T = fraction(seen, ratio, settings).map((T) => T ** settings.exponent);
    if (settings.scale === "absolute") return T;
    if (settings.scale === "unit-norm") return unitNorm(T, ratio.E);
    const least = sumRange(ratio.E.map((E, i) => settings.floor * ratio.rho[i]! * E));
    return unitNorm(T, ratio.E, Math.max(sumRange(ratio.N), least));
  };
}

/** T = N/M over the pool, 0 for 0/0, and at least floor·ρ. */
function fraction(
  samples: readonly Snapshot[],
  { N, M, rho }: Ratio,
  { pool, floor }: Settings,
): Float64Array {
  return N.map((_, i) => {
    const [from, to] = poolOf(samples[0]!.shape, N.length, pool, i);
    const denominator = sumRange(M, from, to);
    // No gradient ever, or a second moment that overflows.
    if (!(denominator > 0 && Number.isFinite(stored(denominator)))) return 0;
    return Math.max(sumRange(N, from, to) / denominator, floor * rho[i]!);
  });
}

/** The note's constraint: E‖T x‖² = E‖x‖² per tensor, or another energy. */
function unitNorm(T: Float64Array, E: Float64Array, wanted: number = sumRange(E)): Float64Array {
  const kept = sumRange(T.map((T, i) => T ** 2 * E[i]!));
  return T.map((T) => kept === 0 ? 0 : T * Math.sqrt(wanted / kept));
}

function fromSteps(samples: readonly Snapshot[], settings: Settings): Ratio {
  const { decay, memory, of, correction } = settings;
  const inputs = samples.map(({ input }) => input);
  const fixed = emaWeights(samples.length, decay);
  const weights = memory === "fixed"
    ? Array.from(inputs[0]!, () => fixed)
    : adaptiveWeights(samples, settings);
  return ratioOf(inputs, weights, of, correction);
}

function ratioOf(
  inputs: readonly Float64Array[],
  weights: readonly Float64Array[],
  of: Settings["of"],
  correction: Settings["correction"],
): Ratio {
  const all = weights.map((w, i) => moments(column(inputs, i), w));
  return {
    N: Float64Array.from(all, (x) => correction === "unbiased" ? x.signal : x.mean ** 2),
    M: Float64Array.from(all, (x) => {
      if (correction === "none") return x.secondMoment;
      if (correction === "unbiased") return of === "sample" ? x.secondMoment : x.mean ** 2;
      return x.mean ** 2 + (of === "sample" ? x.variance : x.rho * x.variance);
    }),
    E: Float64Array.from(all, (x) => of === "sample" ? x.secondMoment : x.mean ** 2),
    rho: Float64Array.from(all, (x) => x.rho),
  };
}

/** The normalised weights that every element gives its samples when its memory τ follows its own T. */
function adaptiveWeights(samples: readonly Snapshot[], settings: Settings): Float64Array[] {
  const { of, correction, warmup } = settings;
  const inputs = samples.map(({ input }) => input);
  let tau = inputs[0]!.map(() => 1);
  let weights = Array.from(inputs[0]!, () => new Float64Array(0));
  for (let t = 1; t <= samples.length; t++) {
    weights = weights.map((old, i) => {
      const w = 1 / tau[i]!;
      return Float64Array.of(...old.map((weight) => weight * (1 - w)), w);
    });
    const ratio = ratioOf(inputs.slice(0, t), weights, of, correction);
    const T = fraction(samples, ratio, settings);
    tau = tau.map((tau, i) => t < warmup ? tau + 1 : (1 - T[i]!) * tau + 1);
  }
  return weights;
}

/** T from the spread within each batch; undefined before any evidence. */
function fromSquares(samples: readonly Snapshot[], { decay }: Settings): Ratio | undefined {
  const seen = samples.flatMap(({ input: x, gradientSquares, microBatches: k }) => {
    if (gradientSquares === undefined) return [];
    const q = gradientSquares.input;
    if (q === undefined) {
      throw new TypeError(
        "Cannot estimate the signal fraction: an earlier stage dropped the gradient squares",
      );
    }
    if (k === 1) return []; // no spread to see
    if (!(k !== undefined && k >= 2)) {
      throw new RangeError(
        `Cannot estimate the signal fraction: microBatches must be at least 1, current value is ${k}`,
      );
    }
    return [{ a: x.map((x, i) => (k * x ** 2 - q[i]!) / (k - 1)), b: x.map((x) => x ** 2) }];
  });
  if (seen.length === 0) return undefined;
  const weights = emaWeights(seen.length, decay);
  const average = (arrays: Float64Array[]) =>
    arrays[0]!.map((_, i) => weightedSum(column(arrays, i), weights));
  const N = average(seen.map(({ a }) => a));
  const M = average(seen.map(({ b }) => b));
  return { N, M, E: M, rho: N.map(() => weightedSum(weights, weights)) };
}

function check({ decay, memory, from, of, exponent, floor, warmup }: Settings): void {
  const action = "estimate the signal fraction";
  checkDecay(decay, action);
  if (!(exponent > 0 && exponent <= 4 && Number.isInteger(exponent * 8))) {
    throw new RangeError(
      `Cannot ${action}: exponent must be a multiple of 1/8 in (0, 4], current value is ${exponent}`,
    );
  }
  if (!(floor >= 0)) {
    throw new RangeError(`Cannot ${action}: floor must not be negative, current value is ${floor}`);
  }
  if (!(warmup >= 1)) {
    throw new RangeError(`Cannot ${action}: warmup must be at least 1, current value is ${warmup}`);
  }
  if (from === "gradientSquares" && (of !== "sample" || memory !== "fixed")) {
    throw new TypeError(
      `Cannot ${action} from gradientSquares: it must be of "sample" with "fixed" memory, ` +
        `current values are "${of}" and "${memory}"`,
    );
  }
}
