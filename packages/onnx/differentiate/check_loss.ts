/** @module */
import * as kinds from "@precond/core/kinds";
import type { Builder } from "../graph/builder.ts";
import type { LoadedGraph } from "../graph/load_graph_with.ts";
import {
  dataTypeName,
  isFloating,
  nameOf,
  OnnxError,
  unknownAttribute,
} from "../rules/shared/mod.ts";
import type { ValueType } from "../graph/value_type.ts";
import type { Loss } from "./loss.ts";

/** The value that a loss is taken of, and its type. */
export interface Predicted {
  readonly prediction: string;
  readonly type: ValueType;
}

/**
 * Finds what a loss is taken of.
 *
 * @throws {TypeError} For a loss that there is not.
 * @throws {OnnxError} For a prediction that the graph does not make, or of which it cannot be taken.
 */
export function checkLoss({ b, outputs }: LoadedGraph, loss: Loss): Predicted {
  checkNames(loss);
  const prediction = predictionOf(loss, outputs.map(({ name }) => name));
  const type = floatType(b, prediction);
  refuseProbabilities(b, loss.type, prediction);
  return { prediction, type };
}

/**
 * The name of what a loss is taken of: the value, the output, or the first output.
 *
 * @throws {TypeError} Where both are given.
 * @throws {OnnxError} For an output that the model does not have, or none.
 */
export function predictionOf(
  { prediction, output }: Pick<Loss, "prediction" | "output">,
  outputs: readonly string[],
): string {
  if (output !== undefined) {
    if (prediction !== undefined) {
      throw new TypeError(
        "Cannot append the loss: give either an output of the model or another value as prediction",
      );
    }
    if (!outputs.includes(output)) {
      throw new OnnxError(
        `Cannot append the loss: the model has no output "${output}", only ${
          outputs.map((name) => `"${name}"`).join(", ")
        }`,
      );
    }
  }
  const found = prediction ?? output ?? outputs[0];
  if (found === undefined) throw new OnnxError("Cannot append the loss: there is no output");
  return found;
}

/** Options that every loss takes, and further ones. */
const COMMON: Readonly<Record<string, kinds.Kind>> = {
  type: kinds.anything,
  output: kinds.text,
  prediction: kinds.text,
  labels: kinds.text,
  reduction: kinds.oneOf("mean", "sum"),
};
const weights: kinds.Kind = {
  must: "be one number from 0 on for each class",
  type: (v) =>
    (Array.isArray(v) || ArrayBuffer.isView(v)) &&
    Array.from(v as ArrayLike<number>).every((w) => w >= 0 && w < Infinity),
};
const { anything, flag, number, text, whole } = kinds;
const FURTHER: Readonly<Record<Loss["type"], Readonly<Record<string, kinds.Kind>>>> = {
  crossEntropy: {
    weights,
    ignoreIndex: whole,
    axis: whole,
    labelSmoothing: number,
    fromLogits: anything,
  },
  binaryCrossEntropy: { fromLogits: anything },
  mse: {},
  l1: {},
  huber: { delta: number },
  distillation: { temperature: number, axis: whole },
  cosineEmbedding: { margin: number, second: text },
  contrastive: { temperature: number, symmetric: flag, second: text },
  triplet: { margin: number, positive: text, negative: text },
};

/** Whether a loss is taken of predictions and labels, not of predictions alone. */
export const takesLabels = (type: Loss["type"]): boolean =>
  type !== "contrastive" && type !== "triplet";

/** Names that losses have in PyTorch, Keras and ONNX, without underscores and capitals. */
const ELSEWHERE: ReadonlyMap<string, Loss["type"]> = new Map(Object.entries({
  categoricalcrossentropy: "crossEntropy",
  sparsecategoricalcrossentropy: "crossEntropy",
  softmaxcrossentropy: "crossEntropy",
  softmaxcrossentropyloss: "crossEntropy",
  nll: "crossEntropy",
  nllloss: "crossEntropy",
  bce: "binaryCrossEntropy",
  bcewithlogits: "binaryCrossEntropy",
  meansquarederror: "mse",
  l2: "mse",
  mae: "l1",
  meanabsoluteerror: "l1",
  smoothl1: "huber",
  kldiv: "distillation",
  infonce: "contrastive",
}));

/** The loss that a name stands for, in another spelling or elsewhere. */
function typed(name: unknown): string | undefined {
  if (typeof name !== "string") return undefined;
  const plain = name.toLowerCase().replace(/[-_ ]/g, "");
  const short = plain.replace(/loss$/, "");
  return ELSEWHERE.get(short) ?? ELSEWHERE.get(plain) ??
    kinds.nearestName(short, Object.keys(FURTHER));
}

const TYPE: kinds.Kind = {
  ...kinds.oneOf(...Object.keys(FURTHER)),
  hint(value) {
    const meant = typed(value);
    return meant === undefined ? undefined : `did you mean ${JSON.stringify(meant)}?`;
  },
};

/** What comes without types is checked here: another name would be another loss without a word. */
function checkNames(loss: Loss): void {
  const action = "append the loss";
  if (typeof loss !== "object" || loss === null) {
    const example = { must: `be an object such as { type: "${typed(loss) ?? "crossEntropy"}" }` };
    kinds.checkValue(action, loss, { ...example, type: () => false }, "loss");
  }
  const { type } = loss;
  kinds.checkValue(action, type, TYPE, "type");
  const { fromLogits } = loss as { readonly fromLogits?: unknown };
  const { labels, ...others } = { ...COMMON, ...FURTHER[type] };
  if (others.fromLogits !== undefined && fromLogits !== undefined && fromLogits !== true) {
    throw new TypeError(
      `Cannot append the loss: ${type} is of logits, fromLogits cannot be ${fromLogits}; name the value ` +
        `before the Softmax or Sigmoid as prediction`,
    );
  }
  const known = takesLabels(type) ? { ...others, labels: labels! } : others;
  kinds.checkOptions<object>(`${action} ${type}`, { ...loss }, known);
}

function floatType(b: Builder, prediction: string): ValueType {
  const type = b.type(prediction);
  if (type !== undefined && isFloating(type.dataType)) return type;
  const refuse = (why: string): never => {
    throw new OnnxError(`Cannot append the loss to "${prediction}": ${why}`);
  };
  if (type !== undefined) {
    return refuse(`expected a float type, actual is ${dataTypeName(type.dataType)}`);
  }
  const node = b.producer(prediction);
  if (node === undefined) return refuse("the graph has no such value");
  const attribute = unknownAttribute(node);
  const why = attribute === undefined ? "" : `, whose attribute "${attribute}" is not known`;
  return refuse(`its type is not known, it comes from ${node.opType} "${nameOf(node)}"${why}`);
}

/** A softmax of a softmax is a loss, too, and one that hardly trains: nobody wants it. */
function refuseProbabilities(b: Builder, type: Loss["type"], prediction: string): void {
  const operator = {
    crossEntropy: "Softmax",
    distillation: "Softmax",
    binaryCrossEntropy: "Sigmoid",
  }[type as string];
  const node = b.producer(prediction);
  if (operator === undefined || node?.opType !== operator || node.domain !== "") return;
  throw new OnnxError(
    `Cannot append ${type} to "${prediction}": it takes logits, and these are probabilities of ` +
      `${operator} "${nameOf(node)}"; give its input as prediction: "${node.input[0]}"`,
    { node: nameOf(node) },
  );
}
