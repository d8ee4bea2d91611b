/** @module */
import type { Builder } from "../graph/builder.ts";
import {
  add,
  countOf,
  DataType,
  declaration,
  type Dim,
  div,
  indicator,
  mul,
  OnnxError,
  product,
  reduceSum,
  reshape,
  sub,
  where,
} from "../rules/shared/mod.ts";
import type { LoadedGraph } from "../graph/load_graph_with.ts";
import type { ValueInfoProto } from "../proto/onnx_pb.ts";
import { checkLoss, takesLabels } from "./check_loss.ts";
import { type EmbeddingLoss, embeddingLoss, isEmbeddingLoss } from "./embedding_losses.ts";
import type { Loss } from "./loss.ts";

/** Appends a loss; its labels are added to `added`. Returns the name of the scalar. */
export function appendLoss(graph: LoadedGraph, loss: Loss, added: ValueInfoProto[]): string {
  const { b } = graph;
  const { prediction, type } = checkLoss(graph, loss);
  const labels = loss.labels ?? "labels";
  if (
    takesLabels(loss.type) && (b.type(labels) !== undefined || b.producer(labels) !== undefined)
  ) {
    throw new OnnxError(`Cannot append the loss: the graph already has a value "${labels}"`);
  }
  const reduction = loss.reduction ?? "mean";
  const declare = (dataType: DataType, dims: readonly Dim[] | undefined) => {
    b.declare(labels, { dataType, dims });
    added.push(declaration(labels, dataType, dims));
    return labels;
  };
  const output = b.fresh("loss");
  const reduce = (each: string) =>
    b.node(reduction === "mean" ? "ReduceMean" : "ReduceSum", [each], { keepdims: 0 }, {
      outputs: [output],
    });
  if (isEmbeddingLoss(loss)) {
    reduce(embeddingLoss(b, loss, prediction, declare));
    return output;
  }
  if (loss.type === "distillation") {
    declare(type.dataType, type.dims);
    reduce(distillation(b, prediction, labels, loss));
    return output;
  }
  if (loss.type === "crossEntropy") {
    crossEntropy(b, prediction, labels, { ...loss, reduction, output }, declare);
    return output;
  }
  declare(type.dataType, type.dims);
  if (loss.type === "mse" && type.dataType !== DataType.FLOAT16) {
    // One reduction whose gradient is one product. (Of float16 the sum could overflow.)
    const r = sub(b, prediction, labels);
    const sum = b.op("ReduceSumSquare", [r], { keepdims: 0 });
    b.alias(reduction === "mean" ? div(b, sum, countOf(b, r)) : sum, output);
    return output;
  }
  reduce(elementwise(b, loss, prediction, labels));
  return output;
}

/** `T² KL(softmax(t/T) ‖ softmax(z/T))` of every example. */
function distillation(
  b: Builder,
  z: string,
  t: string,
  { temperature = 1, axis }: Extract<Loss, { type: "distillation" }>,
): string {
  if (!(temperature > 0 && temperature < Infinity)) {
    throw new RangeError(
      `Cannot append distillation: temperature must be positive, current value is ${temperature}`,
    );
  }
  const at = classAxis(b, z, axis, "distillation");
  const [student, teacher] = [z, t].map((logits) => mul(b, logits, 1 / temperature));
  const [logQ, logP] = [student!, teacher!].map((x) => b.op("LogSoftmax", [x], { axis: at }));
  const p = b.op("Softmax", [teacher!], { axis: at });
  const each = reduceSum(b, mul(b, p, sub(b, logP!, logQ!)), [at], false);
  return mul(b, each, temperature ** 2);
}

/** The axis of the classes, from 0. */
function classAxis(b: Builder, logits: string, given: number | undefined, loss: string): number {
  const dims = b.dims(logits);
  const axis = given ?? 1;
  const last = dims.at(-1);
  if (given === undefined && typeof dims[1] === "string" && typeof last === "number") {
    throw new OnnxError(
      `Cannot append ${loss} to "${logits}" of shape [${dims}]: classes lie along axis 1 by ` +
        `default, of unknown size here; give axis: -1 if the last ${last} are the classes, else 1`,
    );
  }
  const at = axis < 0 ? axis + dims.length : axis;
  if (dims[at] === undefined) {
    throw new OnnxError(`Cannot append ${loss} to "${logits}": axis ${axis} of shape [${dims}]`);
  }
  return at;
}

/** A loss of each element of prediction and labels. */
export type ElementLoss = Exclude<
  Loss,
  EmbeddingLoss | { readonly type: "crossEntropy" | "distillation" }
>;

function elementwise(
  b: Builder,
  loss: ElementLoss,
  y: string,
  t: string,
): string {
  if (loss.type === "binaryCrossEntropy") return sub(b, softplus(b, y), mul(b, t, y));
  const r = sub(b, y, t);
  if (loss.type === "mse") return mul(b, r, r);
  const size = b.op("Abs", [r]);
  if (loss.type === "l1") return size;
  const { delta = 1 } = loss;
  if (!(delta > 0)) {
    throw new RangeError(
      `Cannot append the Huber loss: delta must be positive, current value is ${delta}`,
    );
  }
  const small = b.op("LessOrEqual", [size, b.scalar(delta, y)]);
  return where(
    b,
    small,
    mul(b, 0.5, mul(b, r, r)),
    mul(b, delta, sub(b, size, delta / 2)),
  );
}

/**
 * `log(1 + eˣ)`, as x where x is large: Softplus of double overflows in ONNX Runtime 1.30. (The usual
 * `max(x, 0) + log(1 + e^−|x|)` would have derivatives of its kinks at 0, where training may begin.)
 */
function softplus(b: Builder, x: string): string {
  const most = b.scalar(b.dataType(x) === DataType.FLOAT16 ? 10 : 30, x);
  const small = b.op("Clip", [x, undefined, most]);
  return add(b, b.op("Softplus", [small]), sub(b, x, small));
}

interface CrossEntropy {
  readonly weights?: readonly number[];
  readonly ignoreIndex?: number;
  readonly axis?: number;
  readonly labelSmoothing?: number;
  readonly reduction: "mean" | "sum";
  readonly output: string;
}

function crossEntropy(
  b: Builder,
  logits: string,
  labels: string,
  { weights, ignoreIndex, axis: given, labelSmoothing = 0, reduction, output }: CrossEntropy,
  declare: (dataType: DataType, dims: readonly Dim[] | undefined) => void,
): void {
  const dims = b.dims(logits);
  const at = classAxis(b, logits, given, "cross-entropy");
  const classes = dims[at]!;
  if (weights !== undefined && typeof classes === "number" && weights.length !== classes) {
    throw new OnnxError(
      `Cannot append cross-entropy: ${weights.length} class weights for ${classes} classes`,
    );
  }
  if (!(labelSmoothing >= 0 && labelSmoothing <= 1)) {
    throw new RangeError(
      `Cannot append cross-entropy: labelSmoothing must be in [0, 1], current value is ` +
        labelSmoothing,
    );
  }
  if (labelSmoothing > 0 && weights !== undefined) {
    throw new TypeError("Cannot append cross-entropy: give either weights or labelSmoothing");
  }
  declare(DataType.INT64, dims.filter((_, k) => k !== at));
  let [z, label] = [logits, labels];
  if (at !== 1) {
    if (at !== dims.length - 1) {
      throw new OnnxError(
        `Cannot append cross-entropy to "${logits}": classes must lie along axis 1 or the last, ` +
          `current axis is ${at}`,
      );
    }
    const examples = product(dims.slice(0, -1));
    // Where the classes are not known either, only the shape itself tells.
    const shape = typeof classes === "number" ? undefined : b.op("Concat", [
      b.ints([-1]),
      b.op("Shape", [logits], { start: -1 }),
    ], { axis: 0 });
    z = reshape(b, logits, [examples, classes], shape);
    label = reshape(b, labels, [examples]);
  }
  const weight = weights === undefined ? undefined : b.constant(weights, b.dataType(logits));
  // With the log-probabilities, which the kernel has anyhow, their exponential is the gradient's.
  const logs = b.fresh("log_probabilities");
  const hard = labelSmoothing === 0 ? output : b.fresh("hard_loss");
  b.node("SoftmaxCrossEntropyLoss", [z, label, weight], {
    reduction,
    ignore_index: ignoreIndex,
  }, { outputs: [hard, logs] });
  if (labelSmoothing === 0) return;
  const spread = spreadLoss(b, logs, label, { ignoreIndex, reduction });
  b.alias(add(b, mul(b, hard, 1 - labelSmoothing), mul(b, spread, labelSmoothing)), output);
}

/** Mean or sum over the examples that count of `mean_c (−log p[c])`. */
function spreadLoss(
  b: Builder,
  logs: string,
  label: string,
  { ignoreIndex, reduction }: { ignoreIndex: number | undefined; reduction: "mean" | "sum" },
): string {
  const each = b.op("Neg", [b.op("ReduceMean", [logs, b.ints([1])], { keepdims: 0 })]);
  if (ignoreIndex === undefined) {
    return b.op(reduction === "mean" ? "ReduceMean" : "ReduceSum", [each], { keepdims: 0 });
  }
  const ignored = b.op("Equal", [label, b.constant([ignoreIndex], DataType.INT64, [])]);
  const counts = indicator(b, b.op("Not", [ignored]), each);
  const sum = b.op("ReduceSum", [mul(b, each, counts)], { keepdims: 0 });
  return reduction === "sum" ? sum : div(b, sum, b.op("ReduceSum", [counts], { keepdims: 0 }));
}
