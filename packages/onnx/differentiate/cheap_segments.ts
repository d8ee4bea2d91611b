/** @module */
import type { Builder } from "../graph/builder.ts";
import { readersIn } from "../rules/shared/mod.ts";
import type { NodeProto } from "../proto/onnx_pb.ts";
import { CHEAP } from "../graph/cheap_operators.ts";
import type { Segment } from "./recompute.ts";

/** What may lie between a product and the softmax of its result: scales and masks. */
const SCALES = new Set(["Mul", "Div", "Add", "Sub", "Where", "Softmax"]);

/**
 * What costs less memory computed again than time: results of GELU and of normalizations, whose inputs
 * are kept anyway; weights of attention, from queries and keys; joined heads, from the heads.
 */
export function cheapSegments(
  b: Builder,
  forward: readonly NodeProto[],
  cotangents: ReadonlyMap<string, string>,
): Segment[] {
  const readers = readersIn(forward);
  const only = (name: string) => {
    const found = readers.get(name) ?? [];
    return found.length === 1 ? found[0] : undefined;
  };
  const segment = (nodes: readonly NodeProto[], of: string): Segment[] => {
    const after = cotangents.get(of);
    return after === undefined ? [] : [{ nodes, after }];
  };
  return forward.flatMap((node) => {
    if (node.domain !== "") return [];
    const [result] = node.output as [string];
    if (CHEAP.has(node.opType)) return segment([node], result);
    if (node.opType !== "Softmax") return [];
    const product = only(result);
    if (product?.opType !== "MatMul" || product.input[0] !== result) return [];
    const weights = weightsOf(b, node, only);
    if (weights === undefined) return [];
    const [heads] = product.output as [string];
    return [...segment(weights, heads), ...joinedOf(heads, only, segment)];
  });
}

/** The nodes from the product of queries and keys to the softmax. */
function weightsOf(
  b: Builder,
  softmax: NodeProto,
  only: (name: string) => NodeProto | undefined,
): NodeProto[] | undefined {
  const nodes = [softmax];
  for (let node = softmax;;) {
    const above = node.input.map((name) => b.producer(name)).filter((n) =>
      n?.domain === "" && (n.opType === "MatMul" || SCALES.has(n.opType)) &&
      only(n.output[0]!) === node
    );
    if (above.length !== 1) return undefined;
    node = above[0]!;
    nodes.unshift(node);
    if (node.opType === "MatMul") return nodes;
  }
}

/** The Transpose and Reshape that put heads side by side. */
function joinedOf(
  heads: string,
  only: (name: string) => NodeProto | undefined,
  segment: (nodes: readonly NodeProto[], of: string) => Segment[],
): Segment[] {
  const turn = only(heads);
  const join = turn?.opType === "Transpose" ? only(turn.output[0]!) : undefined;
  return join?.opType === "Reshape" ? segment([turn!, join], join.output[0]!) : [];
}
