/** @module */
import { liveNodes, readsOf, sortNodes } from "../graph/topology.ts";
import { create } from "../proto/create.ts";
import {
  type ModelProto,
  type NodeProto,
  type TensorProto,
  ValueInfoProto,
} from "../proto/onnx_pb.ts";

/**
 * The part of a model that `outputs` need, with `parameters` as initializers instead of inputs, or
 * instead of the initializers that it has. What
 * only gradient kernels used goes: nodes, optional outputs (masks, saved statistics), and the many
 * operator sets that ONNX Runtime's generator imports.
 */
export function forwardCone(
  model: ModelProto,
  outputs: readonly string[],
  parameters: ReadonlyMap<string, TensorProto>,
): ModelProto {
  const graph = model.graph!;
  const live = liveNodes(sortNodes(graph), outputs);
  const read = new Set([...outputs, ...live.flatMap((node) => readsOf(node))]);
  const nodes = live.map((node) => withoutUnused(node, read));
  const made = new Set(nodes.flatMap((node) => node.output));
  const domains = new Set(nodes.map((node) => node.domain));
  const stored = new Set(graph.initializer.map((t) => t.name));
  const given = graph.input.map((i) => i.name)
    .filter((name) => parameters.has(name) && !stored.has(name));
  const own = graph.initializer.filter((t) => read.has(t.name) || parameters.has(t.name));
  const byName = new Map(graph.output.map((o) => [o.name, o]));
  return {
    ...model,
    // Before IR 4 initializers had to be inputs too.
    irVersion: model.irVersion < 4n ? 4n : model.irVersion,
    opsetImport: model.opsetImport.filter((o) =>
      o.domain === "" || o.domain === "ai.onnx" || domains.has(o.domain)
    ),
    graph: {
      ...graph,
      node: nodes,
      input: graph.input.filter(({ name }) =>
        read.has(name) && !stored.has(name) && !parameters.has(name)
      ),
      output: outputs.map((name) => byName.get(name) ?? create(ValueInfoProto, { name })),
      initializer: [
        ...given.map((name) => parameters.get(name)!),
        ...own.map((tensor) => parameters.get(tensor.name) ?? tensor),
      ],
      valueInfo: graph.valueInfo.filter((v) => made.has(v.name)),
    },
  };
}

function withoutUnused(node: NodeProto, read: ReadonlySet<string>): NodeProto {
  // The first output is never optional.
  const output = node.output.map((name, k) => k === 0 || read.has(name) ? name : "");
  while (output.at(-1) === "") output.pop();
  if (output.length === node.output.length && output.every((o, k) => o === node.output[k])) {
    return node;
  }
  return { ...node, output };
}
