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
import type { Loss } from "./loss.ts";
import { recognizeLoss } from "./recognize_loss.ts";
import { backpropagate } from "./reverse.ts";

/** Options of {@linkcode gaussNewtonSample}: the loss must be one that is known by name. */
export interface GaussNewtonOptions extends Omit<DifferentiateOptions, "loss" | "output"> {
  readonly loss: Loss;
  /** Name of the graph input for uniform random numbers. Default: "uniform". */
  readonly uniform?: string;
}

/** What {@linkcode gaussNewtonSample} returns. */
export interface GaussNewtonSample extends Differentiated {
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
  options: GaussNewtonOptions,
): GaussNewtonSample {
  const growth = beginGrowth(model, options);
  const { uniform, curvatures } = appendSample(growth, options.uniform);
  return { ...endGrowth(growth, [...curvatures.values()]), uniform, curvatures };
}

/** Appends the sample; a loss that the graph computes itself must be one that is recognized. */
export function appendSample(
  growth: Growth,
  uniform: string = "uniform",
): Pick<GaussNewtonSample, "uniform" | "curvatures"> {
  const { b, graph, options, parameters, cotangents } = growth;
  const loss = options.loss ?? recognizeLoss(b, growth.loss, (name) => cotangents.has(name));
  if (loss === undefined) {
    throw new OnnxError(
      `Cannot sample the curvature: "${growth.loss}" is neither SoftmaxCrossEntropyLoss without ` +
        `class weights nor a mean of squared differences; give the loss by name`,
    );
  }
  const prediction = predictionOf(loss, graph.outputs.map(({ name }) => name));
  const seed = seedOf(growth, loss, prediction, uniform);
  const sampled = backpropagate(b, ruleFor, new Map([[prediction, seed]]), parameters);
  const squares = new Map(
    parameters.map((name) => {
      const g = sampled.get(name);
      return [name, g === undefined ? undefined : mul(b, g, g)];
    }),
  );
  return { uniform, curvatures: nameResults(b, squares, "_curvature") };
}

/** A random cotangent of the prediction whose covariance is the loss's Hessian. */
function seedOf(
  { b, added }: Growth,
  loss: Loss,
  prediction: string,
  uniform: string,
): string {
  if (b.type(uniform) !== undefined) {
    throw new OnnxError(`Cannot sample the curvature: the graph already has a value "${uniform}"`);
  }
  const { dataType, dims } = b.type(prediction)!;
  const labels = loss.labels ?? "labels";
  const shape = loss.type === "crossEntropy" ? b.type(labels)!.dims : dims;
  b.declare(uniform, { dataType, dims: shape });
  added.push(declaration(uniform, dataType, shape));
  if (loss.type === "crossEntropy") return bartlett(b, loss, prediction, labels, uniform);
  // c: the weight of one element in the loss.
  const scale = loss.reduction === "sum"
    ? b.scalar(1, prediction)
    : b.op("Sqrt", [inverse(b, prediction)]);
  if (loss.type === "binaryCrossEntropy") {
    const p = b.op("Sigmoid", [prediction]);
    const drawn = indicator(b, b.op("Less", [uniform, p]), prediction);
    return mul(b, sub(b, p, drawn), scale);
  }
  const sign = where(b, b.op("Less", [uniform, b.scalar(0.5, uniform)]), -1, b.scalar(1, uniform));
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

const inverse = (b: Builder, x: string) => div(b, b.scalar(1, x), countOf(b, x));

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
