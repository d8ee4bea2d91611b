/** @module */
import { checkOptions } from "../checks.ts";
import { buildDivided } from "../chain/build.ts";
import { specify } from "../chain/specification.ts";
import { createDivider } from "../driver/divided.ts";
import * as kinds from "../kinds.ts";
import { sidesOf } from "./sides.ts";
import type { KroneckerBasis } from "./types.ts";

/** Options of {@linkcode kronecker}. */
export interface KroneckerOptions {
  /** Decay of the averages of g gᵀ and gᵀ g, in [0, 1); default 0.95. */
  readonly decay?: number;
  /** Steps from one refresh of the eigenvectors to the next; default 10. */
  readonly every?: number;
  /** Steps from one sample of g gᵀ and gᵀ g to the next; default 1. */
  readonly gramEvery?: number;
  /** A side longer than this keeps the identity; default 256. */
  readonly maxSide?: number;
  /**
   * Which sides are rotated: "left" (rows), "right" (columns), "both", or "auto" (default): those
   * that cost little beside the gradient, see {@linkcode kronecker}.
   */
  readonly sides?: "auto" | "both" | "left" | "right";
}

/**
 * The Kronecker eigenbasis of a layer: `x = Q_Lᵀ g Q_R`, with Q_L and Q_R the eigenvectors of
 * averages of `g gᵀ` and `gᵀ g`, the gradient seen as a matrix.
 *
 * For a dense layer these averages are, up to scale, the two factors of the Fisher matrix as
 * Shampoo and K-FAC approximate it, so that in this basis the curvature is nearly diagonal: where a
 * diagonal preconditioner, and a signal fraction for each element, are what they should be.
 *
 * What is a matrix: axes of length 1 are left out; two remaining axes are rows and columns; of more
 * (convolution kernels), the axis of the output channels stands against all others. Vectors and
 * scalars keep the identity, and so does a side longer than `maxSide`.
 *
 * With `sides: "auto"` a side of length n of a matrix [r, c] is rotated if that costs little:
 * rotating there and back, with the average, is about 6·n·r·c operations a step, the gradient about
 * 6·m·r·c for m rows of data (batch size times positions; a convolution is taken to have 64
 * positions an example). The side is rotated if `n ≤ m/2`, or if 6·n·r·c is at most 2²¹, which no
 * step notices. The rule looks at shapes and the first batch only, never at a clock, so that runs
 * repeat.
 *
 * The eigenvectors are the identity for the first `every` steps and are refreshed on the steps
 * `every + 1`, `2·every + 1`, …: twice by a full decomposition, then by one orthogonal iteration
 * `qr(A Q)`. On hosts that read asynchronously (GPUs) a refresh takes effect `every` steps later.
 *
 * Source: Gupta, Koren & Singer, "Shampoo" (2018), arXiv 1802.09568; Vyas et al., "SOAP" (2024),
 * arXiv 2409.11321.
 *
 * @throws {TypeError | RangeError} For unknown options, or options out of range.
 *
 * @example
 * ```ts
 * import { chain, inBasis, kronecker, learningRate, momentum, scaleBy } from "@precond/core";
 * import { inverseRms } from "@precond/core/pieces";
 *
 * // SOAP, normalised before the average:
 * chain(inBasis(kronecker(), scaleBy(inverseRms())), momentum(), learningRate(0.004));
 * ```
 */
export function kronecker(options: KroneckerOptions = {}): KroneckerBasis {
  const given = checkOptions("make a Kronecker basis", options, {
    decay: kinds.decay,
    every: kinds.count,
    gramEvery: kinds.count,
    maxSide: kinds.count,
    sides: kinds.oneOf("auto", "both", "left", "right"),
  });
  return {
    ...specify("kronecker", given),
    kind: "kronecker",
    decay: 0.95,
    every: 10,
    gramEvery: 1,
    maxSide: 256,
    sides: "auto",
    ...given,
    work: { buildDivided, createDivider, sidesOf },
  };
}
