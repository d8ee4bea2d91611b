/** @module */
import type * as tf from "@tensorflow/tfjs-core";

/** Options of `precond`. */
export interface PrecondOptions {
  /** Seed of the random signs and labels of curvature samples; default 0. */
  readonly seed?: number;
  /** Step ε of the finite differences of `hutchinson()`; default 1e-3. */
  readonly differenceStep?: number;
  /**
   * Examples in the batch of each closure call, for chains that weigh batches by size or use
   * `empiricalFisher()`; default: what the closure or its losses tell, else 1.
   */
  readonly batchSize?: number;
  /**
   * `gradientSquares` by random signs are taken on the first step and then on every `every`-th one,
   * if the chain needs them and the loss can give them; default 1.
   */
  readonly gradientSquares?: { readonly every?: number };
  /**
   * Calls of `minimize` or `applyGradients` whose mean gradient makes one update; default 1. They
   * are micro-batches of equal size, so that `gradientSquares` cost nothing.
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

/** Options with every default filled in but that of `batchSize`, which is 0 if it was left out. */
export interface ResolvedOptions {
  readonly seed: number;
  readonly differenceStep: number;
  readonly batchSize: number;
  readonly squaresEvery: number;
  readonly accumulate: number;
}

/** Refuses what is no positive integer. */
export function checkCount(what: string, value: number): number {
  if (!Number.isInteger(value) || value < 1) {
    throw new RangeError(
      `Cannot make the optimizer: ${what} must be a positive integer, current value is ${value}`,
    );
  }
  return value;
}

/**
 * Fills in defaults.
 *
 * @throws {RangeError} For counts that are no positive integers, and other options out of range.
 */
export function resolveOptions(options: PrecondOptions): ResolvedOptions {
  const { seed = 0, differenceStep = 1, batchSize = 1 } = options;
  for (const [name, value] of Object.entries({ differenceStep, batchSize })) {
    if (!(value > 0 && value < Infinity)) {
      throw new RangeError(
        `Cannot make the optimizer: ${name} must be positive, current value is ${value}`,
      );
    }
  }
  if (!Number.isFinite(seed)) {
    throw new RangeError(
      `Cannot make the optimizer: seed must be a finite number, current value is ${seed}`,
    );
  }
  return {
    seed: options.seed ?? 0,
    differenceStep: options.differenceStep ?? 1e-3,
    batchSize: options.batchSize ?? 0,
    squaresEvery: checkCount("gradientSquares.every", options.gradientSquares?.every ?? 1),
    accumulate: checkCount("accumulate", options.accumulate ?? 1),
  };
}
