/** @module */
import { lostParameter } from "../exported/export_notes.ts";
import { exportedParameters } from "../exported/exported_parameters.ts";
import type { LoadedGraph } from "../graph/load_graph_with.ts";
import { floatInitializers } from "../rules/shared/mod.ts";
import { loraAdapters } from "../lora/adapters.ts";

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
  const found = floatInitializers(graph).filter((name) => !graph.constants.has(name));
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

/** Why the graph lacks a parameter, if its exporter noted that. */
export function whyNot({ model }: LoadedGraph, name: string): string | undefined {
  return lostParameter(exportedParameters(model), name);
}
