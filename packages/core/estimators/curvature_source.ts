/**
 * Where samples of diagonal curvature come from.
 *
 * @module
 */
import { checkOptions } from "../checks.ts";
import type { CurvatureSource } from "../chain/types.ts";
import * as kinds from "../kinds.ts";

/** Options of the sources that cost an extra pass. */
export interface CurvatureOptions {
  /** A sample is due on step 1 and then on every `every`-th step; default 10. */
  readonly every?: number;
}

function source(
  kind: CurvatureSource["kind"],
  options: CurvatureOptions,
  usual = 10,
): CurvatureSource {
  const given = checkOptions("sample curvature", options, { every: kinds.count });
  return { kind, every: given.every ?? usual };
}

/**
 * Hutchinson's estimate of diag(H): `z ∘ Hz` with random signs z. Unbiased; may be negative.
 *
 * Source: Bekas, Kokiopoulou & Saad, "An estimator for the diagonal of a matrix" (2007).
 */
export function hutchinson(options: CurvatureOptions = {}): CurvatureSource {
  return source("hutchinson", options);
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
  return source("gaussNewton", options);
}

/**
 * The diagonal of the true Fisher matrix, sampled with labels from the model's own distribution.
 * For cross-entropy the same sample as {@linkcode gaussNewton}; for squared error Fisher is the
 * one of a unit-variance Gaussian, `JᵀJ` per example.
 */
export function fisher(options: CurvatureOptions = {}): CurvatureSource {
  return source("fisher", options);
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
  const { from = "gradient" } = checkOptions("sample curvature", options, {
    from: kinds.oneOf("gradient", "gradientSquares"),
  });
  return { kind: "empiricalFisher", every: 1, from };
}

/** Samples that the caller computes and hands to every step on which they are due. */
export function userCurvature(options: CurvatureOptions = {}): CurvatureSource {
  return source("user", options, 1);
}
