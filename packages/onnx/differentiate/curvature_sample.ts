/** @module */
import * as kinds from "@precond/core/kinds";
import type { ModelProto } from "../proto/onnx_pb.ts";
import { allParts } from "./all_parts.ts";
import { appendSample, type SampledMatrix } from "./append_sample.ts";
import {
  beginGrowth,
  checkGrowthOptions,
  type Differentiated,
  type DifferentiateOptions,
  endGrowth,
} from "./growth.ts";
import type { Loss } from "./loss.ts";

/**
 * Options of {@linkcode gaussNewtonSample} and {@linkcode fisherSample}: the loss must be one that is
 * known by name.
 */
export interface CurvatureSampleOptions extends Omit<DifferentiateOptions, "loss" | "output"> {
  readonly loss: Loss;
  /** Name of the graph input for uniform random numbers. Default: "uniform". */
  readonly uniform?: string;
}

/** What {@linkcode gaussNewtonSample} and {@linkcode fisherSample} return. */
export interface CurvatureSample extends Differentiated {
  /** Name of the input that takes independent uniform numbers in [0, 1). */
  readonly uniform: string;
  /** For each parameter the name of its curvature sample: `<p>_curvature`. */
  readonly curvatures: ReadonlyMap<string, string>;
}

/**
 * Appends to a model the gradient and one unbiased sample of the diagonal of the Gauss-Newton
 * matrix `G = Jᵀ H_L J` (J: outputs by parameters, H_L: the loss's Hessian by outputs):
 * `(Jᵀ s)²` with a random s whose covariance is H_L.
 *
 * - cross-entropy: labels ŷ are drawn in the graph from the model's own distribution and
 *   `s_i = √c_i (softmax(z_i) − onehot(ŷ_i))` (Gauss-Newton-Bartlett), c_i the weight of example i
 *   in the loss (1/B for a mean);
 * - binary cross-entropy: `s = √c (p − ŷ)`; mean squared error and Huber: `s = √(c ℓ'') ε`, ε = ±1.
 *
 * The sample is positive or zero and in the units of the loss's Hessian (for a mean loss: B times
 * the square of the mean gradient under the resampled labels). Liu et al., "Sophia" (2023).
 *
 * @throws {OnnxError} As {@linkcode differentiate} does; for `l1`, whose second derivative is zero.
 *
 * @example
 * ```ts
 * import { gaussNewtonSample, readModel } from "@precond/onnx";
 *
 * const curvatureGraph = (bytes: Uint8Array) =>
 *   gaussNewtonSample(readModel(bytes), { loss: { type: "crossEntropy" } }).model;
 * ```
 */
export function gaussNewtonSample(
  model: ModelProto,
  options: CurvatureSampleOptions,
): CurvatureSample {
  return sampleOf(model, options, "gaussNewton");
}

/**
 * Appends to a model the gradient and one unbiased sample of the diagonal of the Fisher matrix
 * `F = (1/B) Σ_i J_iᵀ I_i J_i` of its B examples: I_i is the information of the distribution whose
 * negative log-likelihood the loss is, whatever factor the loss itself has.
 *
 * - cross-entropy: the sample of {@linkcode gaussNewtonSample}, each label being an observation;
 *   weights count as in the loss;
 * - binary cross-entropy: `I = p (1 − p)` for each output;
 * - mean squared error: `I = 1`, a Gaussian of unit variance, so that `F = (1/B) Σ_i J_iᵀ J_i`;
 * - l1: `I = 1`, a Laplace distribution of unit scale; Huber: `I = P(|r| ≤ δ)` under `p(r) ∝ e^{−huber(r)}`.
 *
 * But for cross-entropy the examples lie along the first axis of the prediction, and the outputs of one
 * example are summed over where the loss takes their mean. With reduction "sum" the loss is the
 * likelihood of all examples together, and F the sum over them.
 *
 * Amari, "Natural gradient works efficiently in learning" (1998); Kunstner et al., "Limitations of the
 * empirical Fisher approximation" (2019).
 *
 * @throws {OnnxError} As {@linkcode differentiate} does.
 *
 * @example
 * ```ts
 * import { fisherSample, readModel } from "@precond/onnx";
 *
 * const fisherGraph = (bytes: Uint8Array) =>
 *   fisherSample(readModel(bytes), { loss: { type: "mse" } }).model;
 * ```
 */
export function fisherSample(
  model: ModelProto,
  options: CurvatureSampleOptions,
): CurvatureSample {
  return sampleOf(model, options, "fisher");
}

function sampleOf(
  model: ModelProto,
  options: CurvatureSampleOptions,
  matrix: SampledMatrix,
): CurvatureSample {
  checkGrowthOptions(options, { uniform: kinds.text });
  const growth = beginGrowth(model, options, allParts);
  const { uniform, curvatures } = appendSample(growth, matrix, options.uniform);
  return { ...endGrowth(growth, [...curvatures.values()]), uniform, curvatures };
}
