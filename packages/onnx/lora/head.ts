/** @module */
import { readsOf } from "../graph/topology.ts";
import type { GraphProto, NodeProto } from "../proto/onnx_pb.ts";

/** What may stand between the last layer and the output that it makes. */
const AFTER =
  /^(Identity|Cast|Reshape|Squeeze|Unsqueeze|Flatten|Transpose|Mul|Div|Add|Sub|Softmax|LogSoftmax|Sigmoid)$/;

/**
 * Tells of a value whether it is an output of the model but for a bias, a scale, another shape or
 * probabilities: then its layer is the model's head.
 */
export function isHead(graph: GraphProto): (value: string) => boolean {
  const outputs = new Set(graph.output.map(({ name }) => name));
  const stored = new Set(graph.initializer.map(({ name }) => name));
  const readers = new Map<string, NodeProto[]>();
  for (const node of graph.node) {
    if (node.opType === "Constant") { for (const name of node.output) stored.add(name); }
    for (const name of readsOf(node)) readers.set(name, [...(readers.get(name) ?? []), node]);
  }
  const reaches = (value: string): boolean =>
    outputs.has(value) ||
    (readers.get(value) ?? []).some((node) =>
      AFTER.test(node.opType) && node.domain === "" &&
      (/^(Reshape|Squeeze|Unsqueeze)$/.test(node.opType)
        ? node.input[0] === value
        // A residual has two operands that vary: what it adds is inside the model.
        : node.input.every((name) => name === value || name === "" || stored.has(name))) &&
      reaches(node.output[0]!)
    );
  return reaches;
}
