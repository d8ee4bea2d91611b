/**
 * What is given to a step of a driver.
 *
 * @module
 */
import type { Clipping, ParameterInfo } from "../chain/types.ts";

/** One parameter's share of a step. */
export interface Contribution<A> extends ParameterInfo {
  /** May be left out beside {@linkcode update} if the chain does not read them. */
  readonly weights?: A | undefined;
  /**
   * If given, what is to be added to the weights is written here, or into a new array in its stead,
   * and the weights stay as they are: for hosts whose weights are not to be changed. For all
   * parameters of a step or for none.
   */
  readonly update?: A | undefined;
  readonly gradient: A;
  readonly gradientSquares?: A | undefined;
  readonly curvature?: A | undefined;
}

/** What a step brings besides arrays. */
export interface StepOptions {
  /** Examples in the batch, default 1; matters where batches of different size are averaged. */
  readonly batchSize?: number | undefined;
  /** k of `gradientSquares`. */
  readonly microBatches?: number | undefined;
  /** Overrides the learning rate in this step; groups keep their ratios. */
  readonly learningRate?: number | undefined;
  /** Counts what the chain's bounds change in this step; default: nothing is counted. */
  readonly countClipped?: ClippedCounter | undefined;
}

/** Counts of one parameter, of what its chain has: arrays of one number. */
export type ClippedCounts<A> = Readonly<Partial<Record<keyof Clipping, A>>>;

/** The code that counts: it comes with telemetry, so that steps without do without it. */
export interface ClippedCounter {
  readonly count: unknown;
}
