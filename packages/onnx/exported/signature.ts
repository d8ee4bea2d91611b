/**
 * What PyTorch's exporter (`torch.onnx.export(…, dynamo=True)`) writes into a file besides the graph:
 * the module's parameters and buffers, and for each node the part of the module that it is of.
 *
 * @module
 */
import type { GraphProto, NodeProto, StringStringEntryProto } from "../proto/onnx_pb.ts";

/** The parameters and buffers of the module, by PyTorch's names. */
export interface Signature {
  readonly parameters: readonly string[];
  readonly buffers: readonly string[];
}

const GRAPH_SIGNATURE = "pkg.torch.export.ExportedProgram.graph_signature";
const NAME_SCOPES = "pkg.torch.onnx.name_scopes";
const REWRITTEN = "pkg.onnxscript.rewriter.rule_name";

const entry = (list: readonly StringStringEntryProto[], key: string): string | undefined =>
  list.find((p) => p.key === key)?.value;

/**
 * Reads the graph's signature: lines such as `p_0_weight: PARAMETER target='0.weight'`. Undefined
 * where the exporter wrote none.
 */
export function signatureOf(graph: GraphProto): Signature | undefined {
  const text = entry(graph.metadataProps, GRAPH_SIGNATURE);
  if (text === undefined) return undefined;
  const [inputs = ""] = text.split(/^# outputs/m);
  const named = (kind: string) =>
    [...inputs.matchAll(new RegExp(`^\\S+: ${kind} target=(['"])(.*?)\\1`, "gm"))]
      .map((match) => match[2]!);
  return {
    parameters: named("PARAMETER"),
    buffers: [...named("BUFFER"), ...named("CONSTANT_TENSOR")],
  };
}

/**
 * The submodule that a node is of, "" for the module itself: the last but one of
 * `['', 'blocks.0', 'blocks.0.norm1', 'layer_norm']`. Undefined where nothing is noted.
 */
export function scopeOf(node: NodeProto): string | undefined {
  const text = entry(node.metadataProps, NAME_SCOPES);
  if (text === undefined) return undefined;
  const names = [...text.matchAll(/'([^']*)'|"([^"]*)"/g)].map((m) => m[1] ?? m[2] ?? "");
  return names.length < 2 ? undefined : names[names.length - 2];
}

/** Whether the exporter's optimization has rewritten a node. */
export const isRewritten = (node: NodeProto): boolean =>
  entry(node.metadataProps, REWRITTEN) !== undefined;
