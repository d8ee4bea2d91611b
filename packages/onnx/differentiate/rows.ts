/**
 * How many rows of data a graph multiplies a parameter with.
 *
 * @module
 */
import type { Builder } from "../graph/builder.ts";
import { type Dim, evaluate } from "../graph/dims.ts";
import type { NodeProto } from "../proto/onnx_pb.ts";

/** Shapes of a graph's inputs, by name. */
export type InputShapes = Readonly<Record<string, readonly number[]>>;

/**
 * Rows of data that the graph multiplies a parameter with, for inputs of these shapes: batch size times
 * positions, summed over its uses. Undefined where no product uses it, or a size is not known.
 */
export type RowsOf = (parameter: string, inputs: InputShapes) => number | undefined;

/** What a value looks like that is a parameter with its elements in another order or precision. */
const views = new Set([
  "Identity",
  "Transpose",
  "Reshape",
  "Cast",
  "Unsqueeze",
  "Squeeze",
  "Flatten",
]);

/** Sizes whose product is the number of rows, for the input of a node that holds the parameter. */
function rowsAt(b: Builder, node: NodeProto, index: number): readonly Dim[] | undefined {
  const dims = (name: string | undefined) => name === undefined ? undefined : b.type(name)?.dims;
  const without = (all: readonly Dim[] | undefined, axis: number) =>
    all && all.length >= -axis && all.length > axis ? all.toSpliced(axis, 1) : undefined;
  switch (node.opType) {
    case "MatMul": {
      const other = dims(node.input[1 - index]);
      // A vector is one row.
      if (other?.length === 1) return [];
      return without(other, index === 1 ? -1 : -2);
    }
    case "Gemm": {
      if (index > 1) return undefined;
      // The side of the result that is not the parameter's.
      return without(dims(node.output[0]), index === 1 ? 1 : 0);
    }
    case "Conv":
      return index === 1 ? without(dims(node.output[0]), 1) : undefined;
    case "ConvTranspose":
      return index === 1 ? without(dims(node.input[0]), 1) : undefined;
    case "LSTM":
    case "GRU":
    case "RNN":
      return index === 1 || index === 2 ? without(dims(node.input[0]), 2) : undefined;
    case "Gather":
      return index === 0 ? dims(node.input[1]) : undefined;
    default:
      return undefined;
  }
}

/** Reads it off the forward pass. */
export function countRows(
  b: Builder,
  forward: readonly NodeProto[],
  parameters: readonly string[],
): RowsOf {
  const origin = new Map(parameters.map((name) => [name, name]));
  const uses = new Map<string, (readonly Dim[])[]>();
  for (const node of forward) {
    if (views.has(node.opType)) {
      const parameter = origin.get(node.input[0]!);
      if (parameter !== undefined) origin.set(node.output[0]!, parameter);
      continue;
    }
    node.input.forEach((value, index) => {
      const parameter = origin.get(value);
      const rows = parameter === undefined ? undefined : rowsAt(b, node, index);
      if (rows !== undefined) uses.set(parameter!, [...uses.get(parameter!) ?? [], rows]);
    });
  }
  return (parameter, inputs) => {
    const found = uses.get(parameter);
    if (found === undefined) return undefined;
    const sizes = new Map<string, number>();
    for (const [name, shape] of Object.entries(inputs)) {
      b.type(name)?.dims?.forEach((dim, k) => {
        if (typeof dim === "string" && shape[k] !== undefined) sizes.set(dim, shape[k]);
      });
    }
    // NaN for a size that is not known.
    const rows = found.map((dims) => dims.reduce<number>((n, d) => n * evaluate(d, sizes), 1));
    const total = rows.reduce((a, b) => a + b, 0);
    return Number.isNaN(total) ? undefined : total;
  };
}
