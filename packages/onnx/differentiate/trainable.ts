/** @module */
import type { LoadedGraph } from "../graph/load_graph.ts";
import { lostParameter } from "../exported/export_notes.ts";
import { exportedParameters } from "../exported/exported_parameters.ts";
import { loraAdapters } from "../lora/adapters.ts";
import { isFloating } from "../model/data_type.ts";
import { OnnxError } from "../model/onnx_error.ts";
import type { TensorProto } from "../proto/onnx_pb.ts";

/** Which parameters are trained: their names, or a choice by name. */
export type Trainable = readonly string[] | ((name: string, tensor: TensorProto) => boolean);

/** The trainable parameters of a graph, in the order of the file. */
export function chooseTrainable(graph: LoadedGraph, trainable: Trainable | undefined): string[] {
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
        const lost = lostParameter(exportedParameters(graph.model), name);
        throw new OnnxError(
          `Cannot train "${name}": the graph has no initializer or input of that name${
            lost === undefined ? "" : `; ${lost}`
          }`,
        );
      }
    }
    return [...trainable];
  }
  const { parameters, scalars } = usualTrainable(graph);
  const names = trainable === undefined
    ? parameters
    : floatsOf(graph).filter((name) => trainable(name, b.initializers.get(name)!));
  if (names.length === 0) {
    const left = trainable === undefined ? scalars : [];
    const why = left.length === 0 ? "" : `; scalars are trained only if named, here ${list(left)}`;
    throw new OnnxError(`Cannot differentiate: the model has no trainable float initializer${why}`);
  }
  return names;
}

/**
 * What is trained if nothing is named: of a model with adapters (addLora()) these alone.
 *
 * Where PyTorch's exporter noted the module's parameters: the initializers that hold these, scalars
 * too, and no buffers or constants. Else the float initializers that are not constants of their
 * operator. Those of rank 0 are then left out: exporters write the numbers of formulas so (1/√2 of a
 * GELU, an epsilon, 1/√d of attention), and parameters hardly ever; but PyTorch's older exporter,
 * which writes such numbers as Constant nodes, and whose parameters have names of Python.
 */
export function usualTrainable(
  graph: LoadedGraph,
): { readonly parameters: string[]; readonly scalars: string[] } {
  const { b, model } = graph;
  const adapters = loraAdapters(model).flatMap((adapter) => [adapter.a, adapter.b])
    .filter((name) => b.initializers.has(name));
  if (adapters.length > 0) return { parameters: adapters, scalars: [] };
  const exported = exportedParameters(model);
  if (exported !== undefined) {
    // None where something renamed them after the export.
    if (exported.trainable.length > 0) return { parameters: [...exported.trainable], scalars: [] };
  }
  const found = floatsOf(graph).filter((name) => !graph.constants.has(name));
  const isScalar = (name: string) =>
    b.initializers.get(name)!.dims.length === 0 &&
    !(model.producerName === "pytorch" && PYTHON_NAME.test(name));
  return {
    parameters: found.filter((name) => !isScalar(name)),
    scalars: found.filter(isScalar),
  };
}

/** `logit_scale` or `blocks.0.gate`, not `onnx::Mul_12` or `/head/Constant_output_0`. */
const PYTHON_NAME = /^[A-Za-z_]\w*(\.\w+)*$/;

const floatsOf = ({ b, initializers }: LoadedGraph) =>
  initializers.filter((name) => isFloating(b.initializers.get(name)!.dataType));

/** A deep model may have hundreds. */
const LISTED = 5;

function list(names: readonly string[]): string {
  const shown = names.slice(0, LISTED).map((name) => `"${name}"`).join(", ");
  return names.length > LISTED ? `${shown} and ${names.length - LISTED} more` : shown;
}
