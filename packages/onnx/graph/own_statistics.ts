/** @module */
import { create } from "@bufbuild/protobuf";
import { type ModelProto, type NodeProto, TensorProtoSchema } from "../proto/onnx_pb.ts";

/**
 * Gives running statistics of BatchNormalization that are copies of other initializers (Identity
 * nodes) their own initializers, under the names of the copies.
 *
 * PyTorch's older exporter stores equal values once: in a fresh network the running mean is then an
 * Identity of the offset, the variance one of the scale. Trained so, the offset would be subtracted
 * again as the mean.
 *
 * @returns The same model where there is nothing to do; else a new one that shares what it can.
 */
export function ownStatistics(model: ModelProto): ModelProto {
  const graph = model.graph;
  if (graph === undefined) return model;
  const copies = new Map<string, NodeProto>();
  for (const node of graph.node) {
    if (node.opType === "Identity" && node.domain === "") copies.set(node.output[0]!, node);
  }
  const stored = new Map(graph.initializer.map((t) => [t.name, t]));
  const statistics = new Set(
    graph.node.filter((node) => node.opType === "BatchNormalization" && node.domain === "")
      .flatMap((node) => [node.input[3]!, node.input[4]!]),
  );
  const originOf = (name: string): string => {
    const copy = copies.get(name);
    return copy === undefined ? name : originOf(copy.input[0]!);
  };
  const own = [...statistics].flatMap((name) => {
    const tensor = copies.has(name) ? stored.get(originOf(name)) : undefined;
    return tensor === undefined ? [] : [create(TensorProtoSchema, { ...tensor, name })];
  });
  if (own.length === 0) return model;
  const replaced = new Set(own.map(({ name }) => name));
  return {
    ...model,
    graph: {
      ...graph,
      initializer: [...graph.initializer, ...own],
      node: graph.node.filter((node) =>
        node.opType !== "Identity" || !replaced.has(node.output[0]!)
      ),
    },
  };
}
