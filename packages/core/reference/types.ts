/**
 * What one parameter saw at one applied step, as it arrives at a stage of the reference chain.
 *
 * All arrays are flat and row-major with `shape`; every gradient is a mean over the batch.
 *
 * @example
 * ```ts
 * import type { Snapshot } from "@precond/core/reference";
 * const one: Snapshot = {
 *   shape: [2],
 *   input: Float64Array.of(1, -1),
 *   weights: Float64Array.of(0, 0),
 *   gradient: Float64Array.of(1, -1),
 * };
 * if (one.input.length !== 2) throw new Error("unreachable");
 * ```
 */
export interface Snapshot {
  readonly shape: readonly number[];
  /** x: what flows into the stage. */
  readonly input: Float64Array;
  /** x of this step as the basis of the last step sees it; absent outside a basis. */
  readonly turned?: Float64Array;
  /** The weights before the step. */
  readonly weights: Float64Array;
  /** g: the raw mean gradient of the step. */
  readonly gradient: Float64Array;
  /** c: one sample of the curvature's diagonal, on the steps that bring it. */
  readonly curvature?: Float64Array;
  /** q: the mean over k micro-batches of the squared gradient; `input` is absent once a stage dropped it. */
  readonly gradientSquares?: { readonly input?: Float64Array; readonly raw: Float64Array };
  /** k, the number of micro-batches behind `gradientSquares`. */
  readonly microBatches?: number;
  /** B, 1 when it is not told. */
  readonly batchSize?: number;
}

/** One entry per applied step, oldest first; a parameter without a gradient has no key in that step. */
export type StepHistory = readonly Readonly<Record<string, Snapshot>>[];

/** What a stage makes of one parameter at the last step of the history. */
export interface StageOutput {
  readonly update: Float64Array;
  /** q as it flows on; absent where the stage drops it. */
  readonly gradientSquares?: Float64Array;
}

/**
 * A stage of the reference chain: a pure function from the whole history to the last step's output.
 *
 * `holds` marks a stage that wants steps with non-finite gradients left out of the history.
 */
export interface ReferenceStage {
  (history: StepHistory): Record<string, StageOutput>;
  readonly holds?: "all" | "tensor";
}

/** A diagonal factor for the last step, from every step of one parameter. */
export interface ReferenceEstimator {
  (samples: readonly Snapshot[]): Float64Array;
  /** The largest absolute update that the factor may make. */
  readonly limit?: number;
}
