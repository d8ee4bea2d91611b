/** @module */
import type { Builder } from "../graph/builder.ts";
import { type Dim, isStatic, product, sameDims } from "../graph/dims.ts";
import { intAttribute, stringAttribute } from "../model/attributes.ts";
import { tensorData, tensorSize } from "../model/tensor.ts";
import type { NodeProto } from "../proto/onnx_pb.ts";
import type { Loss } from "./loss.ts";

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
  const { difference, reduction } = squaresOf(b, node) ?? {};
  const prediction = difference?.input.find(varies);
  if (reduction === undefined || prediction === undefined) return undefined;
  if (difference!.input.filter(varies).length !== 1) return undefined;
  // A mean over some axes only, or of what was broadcast, has other weights.
  const whole = b.type(prediction)?.dims?.join() === b.type(difference!.output[0]!)?.dims?.join();
  const scalar = b.type(loss)?.dims?.every((d) => d === 1) ?? false;
  if (!whole || !scalar) return undefined;
  return { type: "mse", prediction, reduction };
}

/** The difference whose squares a node averages or adds up. */
function squaresOf(
  b: Builder,
  node: NodeProto,
): { difference: NodeProto | undefined; reduction: "mean" | "sum" } | undefined {
  const first = made(b, node.input[0]!);
  switch (node.opType) {
    case "ReduceMean":
      return { difference: squaredDifference(b, first), reduction: "mean" };
    case "ReduceSum":
      return { difference: squaredDifference(b, first), reduction: "sum" };
    case "ReduceSumSquare":
      return { difference: first?.opType === "Sub" ? first : undefined, reduction: "sum" };
    case "Div": {
      // Our own mean.
      const sum = first?.opType === "ReduceSumSquare" ? squaresOf(b, first) : undefined;
      const value = sum?.difference?.output[0];
      if (value === undefined || !isCount(b, node.input[1]!, b.type(value)?.dims)) return undefined;
      return { ...sum!, reduction: "mean" };
    }
    default:
      return undefined;
  }
}

/** Whether a scalar is the number of elements of a value with these dims. */
function isCount(b: Builder, name: string, dims: readonly Dim[] | undefined): boolean {
  if (dims === undefined) return false;
  const tensor = b.initializers.get(name);
  if (tensor !== undefined) {
    return isStatic(dims) && tensorSize(tensor) === 1 &&
      Number(tensorData(tensor)[0]) === product(dims);
  }
  const cast = made(b, name);
  const count = cast?.opType === "Cast" ? made(b, cast.input[0]!) : undefined;
  return count?.opType === "ReduceProd" && sameDims(b.known(count.input[0]!), dims);
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
