/** @module */
import type { ModelProto, NodeProto, TensorProto } from "../proto/onnx_pb.ts";
import { readsOf } from "./topology.ts";

/** Inputs of BatchNormalization that are running statistics. */
const STATISTICS = [3, 4];

const isNormalization = (node: NodeProto) =>
  node.opType === "BatchNormalization" && node.domain === "";

/**
 * Gives running statistics of BatchNormalization that are copies of other initializers (Identity
 * nodes), or initializers that are read elsewhere too, their own initializers: under the names of the
 * copies, else `<output>_running_mean` and `<output>_running_var`.
 *
 * PyTorch's older exporter stores equal values once: in a fresh network the running mean is then an
 * Identity of the offset, the variance one of the scale, which other tools replace by the initializer
 * itself. Trained so, the offset would be subtracted again as the mean.
 *
 * @returns The same model where there is nothing to do; else a new one that shares what it can.
 */
export function ownStatistics(model: ModelProto): ModelProto {
  const graph = model.graph;
  if (graph === undefined || !graph.node.some(isNormalization)) return model;
  const stored = new Map(graph.initializer.map((t) => [t.name, t]));
  const taken = new Set([
    ...stored.keys(),
    ...graph.input.map((i) => i.name),
    ...graph.node.flatMap((node) => node.output),
  ]);
  const copies = new Map<string, NodeProto>();
  // What something else than a normalization's statistics reads, so that it is also something else.
  const read = new Set(graph.output.map((o) => o.name));
  for (const node of graph.node) {
    if (node.opType === "Identity" && node.domain === "") copies.set(node.output[0]!, node);
    else if (isNormalization(node)) {
      node.input.forEach((name, k) => STATISTICS.includes(k) || read.add(name));
    } else for (const name of readsOf(node)) read.add(name);
  }
  const originOf = (name: string): string => {
    const copy = copies.get(name);
    return copy === undefined ? name : originOf(copy.input[0]!);
  };
  const own = new Map<string, TensorProto>();
  const make = (name: string, tensor: TensorProto) => {
    own.set(name, { ...tensor, name });
    return name;
  };
  const nodes = graph.node.map((node) => {
    if (!isNormalization(node)) return node;
    const input = node.input.map((name, k) => {
      if (!STATISTICS.includes(k) || own.has(name)) return name;
      const tensor = stored.get(originOf(name));
      if (tensor === undefined || (stored.has(name) && !read.has(name))) return name;
      if (copies.has(name) && !read.has(name)) return make(name, tensor);
      let fresh = `${node.output[0]}_running_${k === 3 ? "mean" : "var"}`;
      while (taken.has(fresh)) fresh += "_";
      taken.add(fresh);
      return make(fresh, tensor);
    });
    return input.every((name, k) => name === node.input[k]) ? node : { ...node, input };
  });
  if (own.size === 0) return model;
  return {
    ...model,
    graph: {
      ...graph,
      initializer: [...graph.initializer, ...own.values()],
      node: nodes.filter((node) => node.opType !== "Identity" || !own.has(node.output[0]!)),
    },
  };
}
