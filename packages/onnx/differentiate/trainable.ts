/** @module */
import type { LoadedGraph } from "../graph/load_graph_with.ts";
import { floatInitializers } from "../graph/float_initializers.ts";
import { OnnxError } from "../model/onnx_error.ts";
import type { TensorProto } from "../proto/onnx_pb.ts";
import type { GraphParts } from "./graph_parts.ts";

/** Which parameters are trained: their names, or a choice by name. */
export type Trainable = readonly string[] | ((name: string, tensor: TensorProto) => boolean);

/** The trainable parameters of a graph, in the order of the file. */
export function chooseTrainable(
  graph: LoadedGraph,
  trainable: Trainable | undefined,
  parts: Pick<GraphParts, "usualTrainable" | "whyNot">,
): string[] {
  const { b, inputs } = graph;
  if (trainable !== undefined && typeof trainable !== "function") {
    if (!Array.isArray(trainable)) {
      throw new TypeError(
        `Cannot choose what is trained: trainable must be a list of names or a function, ` +
          `current value is ${trainable}`,
      );
    }
    for (const name of trainable) {
      if (!b.initializers.has(name) && !inputs.some((i) => i.name === name)) {
        const lost = parts.whyNot(graph, name);
        throw new OnnxError(
          `Cannot train "${name}": the graph has no initializer or input of that name${
            lost === undefined ? "" : `; ${lost}`
          }`,
        );
      }
    }
    return [...trainable];
  }
  const usual = trainable === undefined ? parts.usualTrainable(graph) : undefined;
  const names = usual?.parameters ??
    floatInitializers(graph).filter((name) => trainable!(name, b.initializers.get(name)!));
  if (names.length === 0) {
    const left = usual?.scalars ?? [];
    const why = left.length === 0 ? "" : `; scalars are trained only if named, here ${list(left)}`;
    throw new OnnxError(`Cannot differentiate: the model has no trainable float initializer${why}`);
  }
  return names;
}

/** A deep model may have hundreds. */
const LISTED = 5;

function list(names: readonly string[]): string {
  const shown = names.slice(0, LISTED).map((name) => `"${name}"`).join(", ");
  return names.length > LISTED ? `${shown} and ${names.length - LISTED} more` : shown;
}
