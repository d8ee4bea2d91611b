/**
 * What is given to a step of a driver.
 *
 * @module
 */
import type { ParameterInfo } from "../chain/types.ts";

/** One parameter's share of a step. */
export interface Contribution<A> extends ParameterInfo {
  readonly weights: A;
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
  /** Count what the chain's bounds change in this step; default false. */
  readonly countClipped?: boolean | undefined;
}
