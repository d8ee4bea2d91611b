/** @module */
import type { Builder } from "../graph/builder.ts";
import {
  countOf,
  DataType,
  declaration,
  div,
  indicator,
  mul,
  OnnxError,
  sub,
  where,
} from "../rules/shared/mod.ts";
import { predictionOf } from "./check_loss.ts";
import { isEmbeddingLoss } from "./embedding_losses.ts";
import { type Growth, nameResults } from "./growth.ts";
import type { Loss } from "./loss.ts";
import type { ElementLoss } from "./losses.ts";
import { recognizeLoss } from "./recognize_loss.ts";
import { backpropagate } from "./reverse.ts";

/** Which matrix is sampled. */
export type SampledMatrix = "gaussNewton" | "fisher";

/** Appends the sample; a loss that the graph computes itself must be one that is recognized. */
export function appendSample(
  growth: Growth,
  matrix: SampledMatrix,
  uniform: string = "uniform",
): { uniform: string; curvatures: Map<string, string> } {
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
    growth.parts.lookup,
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
