/**
 * Where samples of diagonal curvature come from.
 *
 * @module
 */
import { checkOneOf } from "../chain/ema.ts";
import type { CurvatureSource } from "../chain/types.ts";

/** Options of the sources that cost an extra pass. */
export interface CurvatureOptions {
  /** A sample is due on step 1 and then on every `every`-th step; default 10. */
  readonly every?: number;
}

function source(kind: CurvatureSource["kind"], every: number): CurvatureSource {
  if (!Number.isInteger(every) || every < 1) {
    throw new RangeError(
      `Cannot sample curvature: every must be a positive integer, current value is ${every}`,
    );
  }
  return { kind, every };
}

/**
 * Hutchinson's estimate of diag(H): `z ∘ Hz` with random signs z. Unbiased; may be negative.
 *
 * Source: Bekas, Kokiopoulou & Saad, "An estimator for the diagonal of a matrix" (2007).
 */
export function hutchinson(options: CurvatureOptions = {}): CurvatureSource {
  return source("hutchinson", options.every ?? 10);
}

/**
 * The Gauss-Newton-Bartlett estimate: `B · ĝ²` with ĝ the mean gradient over the batch for labels
 * drawn from the model's own distribution. Never negative; first order only. For squared error
 * the labels are drawn with the variance that makes the expectation the Gauss-Newton diagonal of
 * the loss as the host defines it.
 *
 * Source: Liu et al., "Sophia" (2023), arXiv 2305.14342, algorithm 2.
 */
export function gaussNewton(options: CurvatureOptions = {}): CurvatureSource {
  return source("gaussNewton", options.every ?? 10);
}

/**
 * The diagonal of the true Fisher matrix, sampled with labels from the model's own distribution.
 * For cross-entropy the same sample as {@linkcode gaussNewton}; for squared error Fisher is the
 * one of a unit-variance Gaussian, `JᵀJ` per example.
 */
export function fisher(options: CurvatureOptions = {}): CurvatureSource {
  return source("fisher", options.every ?? 10);
}

/** Options of {@linkcode empiricalFisher}. */
export interface EmpiricalFisherOptions {
  /** The sample is `B · g²` ("gradient", default) or the host's `gradientSquares`. */
  readonly from?: "gradient" | "gradientSquares";
}

/**
 * The second moment of the gradients for the labels of the data: no extra pass, but it counts
 * noise as curvature; do not combine it with a signal fraction unless counting the noise twice is
 * meant.
 */
export function empiricalFisher(options: EmpiricalFisherOptions = {}): CurvatureSource {
  const { from = "gradient" } = options;
  checkOneOf("sample curvature", from, ["gradient", "gradientSquares"], "from");
  return { kind: "empiricalFisher", every: 1, from };
}

/** Samples that the caller computes and hands to every step on which they are due. */
export function userCurvature(options: CurvatureOptions = {}): CurvatureSource {
  return source("user", options.every ?? 1);
}
