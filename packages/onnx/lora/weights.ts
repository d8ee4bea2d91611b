/** @module */
import { intAttribute, intsAttribute, tensorAttribute } from "../model/attributes.ts";
import { type DataType, isFloating } from "../model/data_type.ts";
import type { GraphProto, NodeProto, TensorProto } from "../proto/onnx_pb.ts";

/** What a value that is computed from one stored tensor alone comes from. */
export interface Weight {
  readonly tensor: TensorProto;
  /** Type of the value, which a Cast or DequantizeLinear gives it, or arithmetic that is the same. */
  readonly dataType: DataType;
  /** Whether the value is the tensor's transpose. */
  readonly transposed: boolean;
  /** Whether the value is the tensor, element by element: neither cast nor dequantized. */
  readonly exact: boolean;
}

/** Finds the stored tensor behind a value of a graph. */
export type FindWeight = (name: string) => Weight | undefined;

/** Initializers and Constant nodes by their names. */
export function storedTensors(graph: GraphProto): Map<string, TensorProto> {
  const constants = graph.node.flatMap((node): [string, TensorProto][] => {
    if (node.opType !== "Constant" || node.domain !== "") return [];
    const [name] = node.output;
    const tensor = tensorAttribute(node, "value");
    return name === undefined || tensor === undefined ? [] : [[name, { ...tensor, name }]];
  });
  return new Map([
    ...constants,
    ...graph.initializer.map((tensor): [string, TensorProto] => [tensor.name, tensor]),
  ]);
}

/**
 * Follows Identity, Transpose of a matrix, Cast and DequantizeLinear back to what is stored, also where
 * the latter is written out: `Mul(Sub(Cast(q), zero), scale)`.
 */
export function weightsOf(graph: GraphProto): FindWeight {
  const tensors = storedTensors(graph);
  const producers = new Map(
    graph.node.flatMap((node) => node.output.map((name): [string, NodeProto] => [name, node])),
  );
  const find = (name: string, depth = 0): Weight | undefined => {
    const tensor = tensors.get(name);
    if (tensor !== undefined) {
      return { tensor, dataType: tensor.dataType, transposed: false, exact: true };
    }
    const node = producers.get(name);
    // A chain this long is a cycle.
    if (node === undefined || node.domain !== "" || depth > 8) return undefined;
    const inner = () => find(node.input[0] ?? "", depth + 1);
    switch (node.opType) {
      case "Identity":
        return inner();
      case "Transpose": {
        const perm = intsAttribute(node, "perm", undefined);
        const found = inner();
        if (found?.tensor.dims.length !== 2) return undefined;
        const turns = perm === undefined || perm[0] === 1;
        return { ...found, transposed: found.transposed !== turns };
      }
      case "Cast": {
        const found = inner();
        return found && { ...found, dataType: intAttribute(node, "to", 0), exact: false };
      }
      case "DequantizeLinear": {
        const [found, scale] = [inner(), find(node.input[1] ?? "", depth + 1)];
        if (found === undefined || scale === undefined) return undefined;
        const dataType = intAttribute(node, "output_dtype", 0) || scale.dataType;
        return { ...found, dataType, exact: false };
      }
      case "Mul":
      case "Sub": {
        const [left, right] = node.input.map((input) => find(input, depth + 1));
        if (left === undefined || right === undefined) return undefined;
        if (isStepsOf(left, right)) return left;
        return node.opType === "Mul" && isStepsOf(right, left) ? right : undefined;
      }
      default:
        return undefined;
    }
  };
  return (name) => find(name);
}

/** Whether `weight` is stored as integers, and `other` a scale or zero point of its rows, columns or all. */
function isStepsOf(weight: Weight, other: Weight): boolean {
  const { tensor, transposed, dataType } = weight;
  if (isFloating(tensor.dataType) || !isFloating(dataType)) return false;
  if (other.transposed && other.tensor.dims.length === 2) return false;
  const dims = transposed ? tensor.dims.toReversed() : tensor.dims;
  const own = other.tensor.dims;
  const before = dims.length - own.length;
  return before >= 0 && own.every((size, k) => size === 1n || size === dims[before + k]);
}
