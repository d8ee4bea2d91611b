/** @module */
import type { CurvatureSource } from "@precond/core";
import type * as tf from "@tensorflow/tfjs-core";
import type { Session } from "./session.ts";

/** What a step's extra calls are made for. */
export interface MeasureRequest {
  readonly closure: () => tf.Scalar;
  readonly variables: readonly tf.Variable[];
  /** What was heard during the call for the gradient. */
  readonly session: Session;
  /** Set if a curvature sample is due. */
  readonly source: CurvatureSource | undefined;
  /** Whether `gradientSquares` are due, if the closure can give signs. */
  readonly squares: boolean;
  readonly seed: number;
}
