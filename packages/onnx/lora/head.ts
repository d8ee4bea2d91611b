/** @module */
import type { GraphProto, NodeProto } from "../proto/onnx_pb.ts";

/** What may stand between the last layer and the output that it makes. */
const AFTER =
  /^(Identity|Cast|Reshape|Squeeze|Unsqueeze|Flatten|Transpose|Mul|Div|Add|Sub|Softmax|LogSoftmax|Sigmoid)$/;

/**
 * The values that are an output of the model but for a bias, a scale, another shape or probabilities:
 * a layer that makes one is the model's head.
 */
export function headValues(graph: GraphProto): ReadonlySet<string> {
  const stored = new Set([
    ...graph.initializer.map(({ name }) => name),
    ...graph.node.flatMap(({ opType, output }) => opType === "Constant" ? output : []),
  ]);
  const makers = new Map(graph.node.map((node) => [node.output[0], node]));
  const found = new Set<string>();
  const waiting = graph.output.map(({ name }) => name);
  for (let value = waiting.pop(); value !== undefined; value = waiting.pop()) {
    if (found.has(value)) continue;
    found.add(value);
    const before = passedOn(makers.get(value), stored);
    if (before !== undefined) waiting.push(before);
  }
  return found;
}

/** The one value that a node passes on. */
function passedOn(node: NodeProto | undefined, stored: ReadonlySet<string>): string | undefined {
  if (node === undefined || node.domain !== "" || !AFTER.test(node.opType)) return undefined;
  if (/^(Reshape|Squeeze|Unsqueeze)$/.test(node.opType)) return node.input[0];
  const [value, ...others] = new Set(
    node.input.filter((name) => name !== "" && !stored.has(name)),
  );
  // A residual has two operands that vary: what it adds is inside the model.
  return others.length === 0 ? value : undefined;
}
