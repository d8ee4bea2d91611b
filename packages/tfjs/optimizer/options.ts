/** @module */
import { checkOptions, checkValue } from "@precond/core/backend";
import * as kinds from "@precond/core/kinds";
import type * as tf from "@tensorflow/tfjs-core";

/** Options of `precond`. */
export interface PrecondOptions {
  /** Seed of the random signs and labels of curvature samples; default 0. */
  readonly seed?: number;
  /** Step ε of the finite differences of `hutchinson()`; default 1e-3. */
  readonly differenceStep?: number;
  /**
   * Examples in the batch of each closure call where the loss does not tell: for chains that weigh
   * batches by size or use `empiricalFisher()`; default 1. Losses wrapped in `evidenceLoss()` or
   * `withEvidence()` tell, and so do `classification()`, `binary()` and `squaredError()`.
   */
  readonly batchSize?: number;
  /**
   * `gradientSquares` by random signs are taken on the first step and then on every `every`-th one,
   * if the chain needs them and the loss can give them; default 1.
   */
  readonly gradientSquares?: { readonly every?: number };
  /**
   * Calls of `minimize` or `applyGradients` whose mean gradient makes one update; default 1. They
   * are micro-batches of equal size, so that `gradientSquares` cost nothing; each counts the same,
   * also a smaller one.
   */
  readonly accumulate?: number;
}

/** Evidence that the caller brings to `applyGradients`. */
export interface TensorEvidence {
  /** One curvature sample per variable. */
  readonly curvature?: tf.NamedTensorMap;
  /** Mean over `microBatches` micro-batches of the squared micro-batch mean gradient. */
  readonly gradientSquares?: tf.NamedTensorMap;
  readonly microBatches?: number;
  readonly batchSize?: number;
}

/** Gradient evaluations so far. */
export interface Cost {
  /** All of them. */
  readonly gradients: number;
  /** Those made for evidence, besides the gradient of the loss. */
  readonly extra: number;
}

/** Options with every default filled in but that of `batchSize`. */
export interface ResolvedOptions {
  readonly seed: number;
  readonly differenceStep: number;
  readonly batchSize: number | undefined;
  readonly squaresEvery: number;
  readonly accumulate: number;
}

const action = "make the optimizer";

/** Refuses what is no positive integer. */
export function checkAccumulate(calls: number): number {
  checkValue("accumulate", calls, kinds.count, "accumulate");
  return calls;
}

/**
 * Fills in defaults.
 *
 * @throws {TypeError | RangeError} For options that do not exist, or are out of range.
 */
export function resolveOptions(options: PrecondOptions): ResolvedOptions {
  const { seed = 0, differenceStep = 1e-3, batchSize, gradientSquares, accumulate = 1 } =
    checkOptions(action, options, {
      seed: kinds.seed,
      differenceStep: kinds.positive,
      batchSize: kinds.positive,
      gradientSquares: kinds.anything,
      accumulate: kinds.count,
    });
  const { every = 1 } = checkOptions(`${action} with gradientSquares`, gradientSquares, {
    every: kinds.count,
  });
  return { seed, differenceStep, batchSize, squaresEvery: every, accumulate };
}

/**
 * Checks the evidence that the caller brings, but for the tensors.
 *
 * @throws {TypeError | RangeError} For entries that do not exist, or are out of range.
 */
export function checkEvidence(evidence: TensorEvidence): TensorEvidence {
  return checkOptions("apply gradients", evidence, {
    curvature: kinds.anything,
    gradientSquares: kinds.anything,
    microBatches: kinds.count,
    batchSize: kinds.positive,
  });
}
