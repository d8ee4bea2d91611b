/** @module */
import type { ModelProto } from "../proto/onnx_pb.ts";
import { allParts } from "./all_parts.ts";
import { appendSquares } from "./append_squares.ts";
import { squaresKinds, type SquaresOptions } from "./squares_options.ts";
import {
  beginGrowth,
  checkGrowthOptions,
  type Differentiated,
  type DifferentiateOptions,
  endGrowth,
} from "./growth.ts";

/** Options of {@linkcode perExampleSquares}. */
export interface PerExampleOptions extends DifferentiateOptions, SquaresOptions {}

/** What {@linkcode perExampleSquares} returns. */
export interface PerExampleSquares extends Differentiated {
  /** For each parameter the name of its mean squared gradient: `<p>_squares`. */
  readonly squares: ReadonlyMap<string, string>;
}

/**
 * Appends to a model the gradient and, for every parameter, the mean over the batch of the squared
 * gradients of the single examples: `(1/B) Σ_i (∂ℓ_i/∂p)²`, where the loss is `(1/B) Σ_i ℓ_i` (or
 * their sum). For a dense layer that is `B (X∘X)ᵀ(δ∘δ)`: one more product of matrices; parameters
 * of MatMul, Gemm, Conv, Gather, biases and scales are covered. Examples lie along the first axis,
 * and no operator may mix them: batch normalization in training mode is refused.
 *
 * Goodfellow, "Efficient per-example gradient computations" (2015); Dangel et al., "BackPACK" (2020).
 *
 * @throws {OnnxError} For a parameter that enters through an operator without a rule for single
 *   examples (all are listed), or a value whose first axis is not the batch.
 *
 * @example
 * ```ts
 * import { perExampleSquares, readModel } from "@precond/onnx";
 *
 * const noiseGraph = (bytes: Uint8Array) =>
 *   perExampleSquares(readModel(bytes), { loss: { type: "crossEntropy" } }).model;
 * ```
 */
export function perExampleSquares(
  model: ModelProto,
  options: PerExampleOptions,
): PerExampleSquares {
  checkGrowthOptions(options, squaresKinds);
  const growth = beginGrowth(model, options, allParts);
  const squares = appendSquares(growth, options);
  return { ...endGrowth(growth, [...squares.values()]), squares };
}
