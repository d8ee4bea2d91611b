/** @module */
import { checkOptions, type Kinds } from "../checks.ts";
import * as kinds from "../kinds.ts";

/** Options of `signalFraction`. */
export interface SignalFractionOptions {
  /**
   * Decay of the moments, in [0, 1); default 0.9. A memory of about 4/T steps is needed to resolve
   * T: 0.9 cannot see T below 0.07.
   */
  readonly decay?: number;
  /** "fixed" (EMA with `decay`, default) or "adaptive" (one memory per element, no decay). */
  readonly memory?: "fixed" | "adaptive";
  /**
   * Samples averaged plainly before an adaptive memory adapts, at least 2; default 2. With one, T
   * would be 1 for ever.
   */
  readonly warmup?: number;
  /** Noise across steps (default) or within the batch, from micro-batches. */
  readonly from?: "steps" | "gradientSquares";
  /** The signal fraction of the newest sample (default) or of the average m (then scale `to` it). */
  readonly of?: "sample" | "mean";
  /**
   * "unbiased": both moments corrected (default). "variance": `m²/(m² + s)`, the plug-in of SVAG.
   * "none": `m²/(m² + D)`, which is Adam's.
   */
  readonly correction?: "unbiased" | "variance" | "none";
  /** 1 is Hilton's note (default), 1/2 Adam's power; a multiple of 1/8 in (0, 4]. */
  readonly exponent?: number;
  /** "absolute" (default), or "unit-norm": E‖T x‖² kept equal to E‖x‖² per tensor; or "signal":
   * equal to the signal's energy Σ(m² − ρs) (at least floor·ρ of E‖x‖²), summed before it is
   * bounded, so that chance signals of either sign cancel. */
  readonly scale?: "absolute" | "unit-norm" | "signal";
  /** Ratio of sums over the row (last axis) or the tensor; default per element. */
  readonly pool?: "element" | "row" | "tensor";
  /** T is at least `floor · ρ`, so that no component dies by chance; in [0, 1], default 0.5. */
  readonly floor?: number;
  /** Use the T of the previous step; default false. */
  readonly lag?: boolean;
}

/** What each option of `signalFraction` may be. */
export const signalFractionKinds: Kinds<SignalFractionOptions> = {
  decay: kinds.decay,
  memory: kinds.oneOf("fixed", "adaptive"),
  warmup: kinds.integer(2),
  from: kinds.oneOf("steps", "gradientSquares"),
  of: kinds.oneOf("sample", "mean"),
  correction: kinds.oneOf("unbiased", "variance", "none"),
  exponent: kinds.exponent,
  scale: kinds.oneOf("absolute", "unit-norm", "signal"),
  pool: kinds.oneOf("element", "row", "tensor"),
  floor: kinds.fraction,
  lag: kinds.flag,
};

/** Fills in defaults and refuses what is out of range. */
export function checkSignalFraction(
  options: SignalFractionOptions,
): Required<SignalFractionOptions> {
  const action = "estimate the signal fraction";
  const given: Required<SignalFractionOptions> = {
    decay: 0.9,
    memory: "fixed",
    warmup: 2,
    from: "steps",
    of: "sample",
    correction: "unbiased",
    exponent: 1,
    scale: "absolute",
    pool: "element",
    floor: 0.5,
    lag: false,
    ...checkOptions(action, options, signalFractionKinds),
  };
  if (given.from === "gradientSquares" && (given.of === "mean" || given.memory === "adaptive")) {
    throw new TypeError(
      `Cannot ${action}: from "gradientSquares" goes with of "sample" and memory "fixed", current values are "${given.of}" and "${given.memory}"`,
    );
  }
  return given;
}
