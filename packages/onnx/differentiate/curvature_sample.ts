/** @module */
import type { Builder } from "../graph/builder.ts";
import { countOf, div, indicator, mul, sub, where } from "../graph/emit.ts";
import { DataType } from "../model/data_type.ts";
import { OnnxError } from "../model/onnx_error.ts";
import { declaration } from "../model/value_info.ts";
import type { ModelProto } from "../proto/onnx_pb.ts";
import { ruleFor } from "../rules/mod.ts";
import {
  beginGrowth,
  type Differentiated,
  type DifferentiateOptions,
  endGrowth,
  type Growth,
  nameResults,
} from "./growth.ts";
import { predictionOf } from "./check_loss.ts";
import { isEmbeddingLoss } from "./embedding_losses.ts";
import type { Loss } from "./loss.ts";
import type { ElementLoss } from "./losses.ts";
import { recognizeLoss } from "./recognize_loss.ts";
import { backpropagate } from "./reverse.ts";

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

/** Which matrix is sampled. */
export type SampledMatrix = "gaussNewton" | "fisher";

function sampleOf(
  model: ModelProto,
  options: CurvatureSampleOptions,
  matrix: SampledMatrix,
): CurvatureSample {
  const growth = beginGrowth(model, options);
  const { uniform, curvatures } = appendSample(growth, matrix, options.uniform);
  return { ...endGrowth(growth, [...curvatures.values()]), uniform, curvatures };
}

/** Appends the sample; a loss that the graph computes itself must be one that is recognized. */
export function appendSample(
  growth: Growth,
  matrix: SampledMatrix,
  uniform: string = "uniform",
): Pick<CurvatureSample, "uniform" | "curvatures"> {
  const { b, graph, options, parameters, cotangents } = growth;
  const loss = options.loss ?? recognizeLoss(b, growth.loss, (name) => cotangents.has(name));
  if (loss === undefined) {
    throw new OnnxError(
      `Cannot sample the curvature: "${growth.loss}" is neither SoftmaxCrossEntropyLoss without ` +
        `class weights nor a mean of squared differences; give the loss by name`,
    );
  }
  if (isEmbeddingLoss(loss) || loss.type === "distillation") {
    throw new OnnxError(
      `Cannot sample the curvature of the ${loss.type} loss: its labels are drawn from no ` +
        `distribution; use Hutchinson's samples`,
    );
  }
  const prediction = predictionOf(loss, graph.outputs.map(({ name }) => name));
  const seed = seedOf(growth, { loss, prediction, uniform, matrix });
  const sampled = backpropagate(
    b,
    ruleFor,
    new Map([[prediction, seed]]),
    parameters,
    options.stopped,
  );
  const squares = new Map(
    parameters.map((name) => {
      const g = sampled.get(name);
      return [name, g === undefined ? undefined : mul(b, g, g)];
    }),
  );
  return { uniform, curvatures: nameResults(b, squares, "_curvature") };
}

type CrossEntropyLoss = Extract<Loss, { type: "crossEntropy" }>;

interface Draw {
  readonly loss: ElementLoss | CrossEntropyLoss;
  readonly prediction: string;
  readonly uniform: string;
  readonly matrix: SampledMatrix;
}

/** A random cotangent of the prediction whose covariance is the loss's Hessian, or the information. */
function seedOf({ b, added }: Growth, { loss, prediction, uniform, matrix }: Draw): string {
  if (b.type(uniform) !== undefined) {
    throw new OnnxError(`Cannot sample the curvature: the graph already has a value "${uniform}"`);
  }
  const { dataType, dims } = b.type(prediction)!;
  const labels = loss.labels ?? "labels";
  const shape = loss.type === "crossEntropy" ? b.type(labels)!.dims : dims;
  b.declare(uniform, { dataType, dims: shape });
  added.push(declaration(uniform, dataType, shape));
  if (loss.type === "crossEntropy") return bartlett(b, loss, prediction, labels, uniform);
  const scale = elementScale(b, prediction, matrix, loss.reduction);
  if (loss.type === "binaryCrossEntropy") {
    const p = b.op("Sigmoid", [prediction]);
    const drawn = indicator(b, b.op("Less", [uniform, p]), prediction);
    return mul(b, sub(b, p, drawn), scale);
  }
  const sign = where(b, b.op("Less", [uniform, b.scalar(0.5, uniform)]), -1, b.scalar(1, uniform));
  if (matrix === "fisher") return mul(b, sign, mul(b, scale, Math.sqrt(informationOf(loss))));
  if (loss.type === "mse") return mul(b, sign, mul(b, scale, Math.SQRT2));
  if (loss.type === "huber") {
    const r = b.op("Abs", [sub(b, prediction, labels)]);
    const inside = b.op("LessOrEqual", [r, b.scalar(loss.delta ?? 1, r)]);
    return mul(b, mul(b, sign, indicator(b, inside, prediction)), scale);
  }
  throw new OnnxError(
    "Cannot sample the curvature of the l1 loss: its second derivative is zero almost everywhere",
  );
}

/**
 * `√c`, c the weight of one element: that of the loss, or of the likelihood of one example, which adds
 * up its outputs.
 */
function elementScale(
  b: Builder,
  prediction: string,
  matrix: SampledMatrix,
  reduction: Loss["reduction"],
): string {
  if (reduction === "sum") return b.scalar(1, prediction);
  const axes = matrix === "gaussNewton" ? undefined : b.dims(prediction).length === 0 ? [] : [0];
  return b.op("Sqrt", [div(b, b.scalar(1, prediction), countOf(b, prediction, axes))]);
}

/** `E[ψ²]` of `p(r) ∝ e^{−ℓ(r)}`, `ψ = ℓ'`: the same for every r. */
function informationOf(loss: ElementLoss): number {
  if (loss.type !== "huber") return 1;
  const { delta = 1 } = loss;
  const inside = gaussianMass(delta);
  return inside / (inside + 2 / delta * Math.exp(-delta * delta / 2));
}

/** `∫_{−δ}^{δ} e^{−r²/2} dr`, by Simpson's rule: its error is far below float32's. */
function gaussianMass(delta: number): number {
  const end = Math.min(delta, 40);
  const steps = 4000;
  const h = end / steps;
  let sum = 1 + Math.exp(-end * end / 2);
  for (let k = 1; k < steps; k++) sum += (k % 2 === 1 ? 4 : 2) * Math.exp(-((k * h) ** 2) / 2);
  return 2 * sum * h / 3;
}

/** `√c_i (softmax(z_i) − onehot(ŷ_i))`, ŷ by inversion of the cumulated probabilities. */
function bartlett(
  b: Builder,
  loss: Extract<Loss, { type: "crossEntropy" }>,
  logits: string,
  labels: string,
  uniform: string,
): string {
  const rank = b.dims(logits).length;
  const axis = loss.axis ?? 1;
  const at = axis < 0 ? axis + rank : axis;
  const p = b.op("Softmax", [logits], { axis: at });
  const axisTensor = b.constant([at], DataType.INT64, []);
  const u = b.op("Unsqueeze", [uniform, b.ints([at])]);
  const upTo = b.op("CumSum", [p, axisTensor]);
  const before = b.op("CumSum", [p, axisTensor], { exclusive: 1 });
  // The class whose interval [before, upTo) holds u; the last one also takes u ≥ Σp < 1 by rounding.
  const total = b.op("ReduceMax", [upTo, b.ints([at])], { keepdims: 1 });
  const scaled = mul(b, u, total);
  const drawn = b.op("And", [
    b.op("GreaterOrEqual", [scaled, before]),
    b.op("Less", [scaled, upTo]),
  ]);
  const difference = sub(b, p, indicator(b, drawn, logits));
  return mul(
    b,
    difference,
    b.op("Unsqueeze", [exampleScale(b, loss, logits, labels), b.ints([at])]),
  );
}

/** `√c_i` for every example, shaped like the labels. */
function exampleScale(
  b: Builder,
  { weights, ignoreIndex, reduction }: Extract<Loss, { type: "crossEntropy" }>,
  logits: string,
  labels: string,
): string {
  let weight: string | undefined;
  const valid = ignoreIndex === undefined
    ? undefined
    : b.op("Not", [b.op("Equal", [labels, b.constant([ignoreIndex], DataType.INT64, [])])]);
  if (weights !== undefined) {
    const table = b.constant(weights, b.dataType(logits));
    const index = valid === undefined
      ? labels
      : b.op("Where", [valid, labels, b.constant([0], DataType.INT64, [])]);
    weight = b.op("Gather", [table, index]);
  }
  if (valid !== undefined) {
    const counts = indicator(b, valid, logits);
    weight = weight === undefined ? counts : mul(b, weight, counts);
  }
  const sum = reduction === "sum";
  if (weight === undefined) {
    const shaped = b.op("Expand", [b.scalar(1, logits), b.op("Shape", [labels])]);
    if (sum) return shaped;
    b.declare(shaped, { dataType: b.dataType(logits), dims: b.type(labels)!.dims });
    return b.op("Sqrt", [div(b, shaped, countOf(b, shaped))]);
  }
  const c = sum ? weight : div(b, weight, b.op("ReduceSum", [weight], { keepdims: 0 }));
  return b.op("Sqrt", [c]);
}
