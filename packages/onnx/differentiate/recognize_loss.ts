/** @module */
import type { Builder } from "../graph/builder.ts";
import { intAttribute, stringAttribute } from "../model/attributes.ts";
import { tensorData, tensorSize } from "../model/tensor.ts";
import type { NodeProto } from "../proto/onnx_pb.ts";
import type { Loss } from "./losses.ts";

/**
 * What a scalar of the graph is the loss of, as official training artifacts compute theirs:
 * SoftmaxCrossEntropyLoss without class weights, or the mean of a squared difference. Undefined for
 * anything else.
 *
 * @param varies Whether a value depends on a parameter: the prediction does, the target does not.
 */
export function recognizeLoss(
  b: Builder,
  loss: string,
  varies: (name: string) => boolean,
): Loss & { readonly prediction: string } | undefined {
  const node = made(b, loss);
  if (node === undefined) return undefined;
  if (node.opType === "SoftmaxCrossEntropyLoss") return crossEntropyOf(b, node);
  if (node.opType !== "ReduceMean" && node.opType !== "ReduceSum") return undefined;
  const difference = squaredDifference(b, made(b, node.input[0]!));
  const prediction = difference?.input.find(varies);
  if (prediction === undefined || difference!.input.filter(varies).length !== 1) return undefined;
  // A mean over some axes only, or of what was broadcast, has other weights.
  const whole = b.type(prediction)?.dims?.join() === b.type(difference!.output[0]!)?.dims?.join();
  const scalar = b.type(loss)?.dims?.every((d) => d === 1) ?? false;
  if (!whole || !scalar) return undefined;
  return { type: "mse", prediction, reduction: node.opType === "ReduceMean" ? "mean" : "sum" };
}

function crossEntropyOf(b: Builder, node: NodeProto) {
  const [prediction, labels, weights] = node.input;
  const reduction = stringAttribute(node, "reduction", "mean");
  if (weights !== undefined && weights !== "") return undefined;
  if (reduction !== "mean" && reduction !== "sum") return undefined;
  if (b.type(labels!)?.dims === undefined) return undefined;
  const ignoreIndex = intAttribute(node, "ignore_index", undefined);
  return {
    type: "crossEntropy" as const,
    prediction: prediction!,
    labels: labels!,
    reduction: reduction as "mean" | "sum",
    ...(ignoreIndex === undefined ? {} : { ignoreIndex }),
  };
}

/** The node that makes a value, copies skipped. */
function made(b: Builder, name: string): NodeProto | undefined {
  const node = b.producer(name);
  return node?.opType === "Identity" ? made(b, node.input[0]!) : node;
}

/** The Sub of `(x − t)²`, written as a product or a power. */
function squaredDifference(b: Builder, node: NodeProto | undefined): NodeProto | undefined {
  const squares = node?.opType === "Pow"
    ? isTwo(b, node.input[1]!)
    : node?.opType === "Mul" && node.input[0] === node.input[1];
  const inner = squares ? made(b, node!.input[0]!) : undefined;
  return inner?.opType === "Sub" ? inner : undefined;
}

function isTwo(b: Builder, name: string): boolean {
  const tensor = b.initializers.get(name);
  return tensor !== undefined && tensorSize(tensor) === 1 && Number(tensorData(tensor)[0]) === 2;
}
