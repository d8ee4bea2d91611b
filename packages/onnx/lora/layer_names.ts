/** @module */
import type { ExportedParameters } from "../exported/exported_parameters.ts";
import { scopeOf } from "../exported/signature.ts";
import type { NodeProto } from "../proto/onnx_pb.ts";

/** What a layer's name is found by. */
export interface Nameable {
  readonly weight: string;
  readonly node: NodeProto;
  /** What is stored and added to what the node makes. */
  readonly bias: string | undefined;
}

/** `h.0.attn.weight`, and what quantizers and other exporters make of it. */
const WEIGHT = /^(.+?)(\.MatMul)?\.weight(_\w+)?$/;
/** Exporters that turn a weight give it a name of their own, and leave the bias its name. */
const BIAS = /^(.+)\.bias$/;

/**
 * Names for layers, each its own: the module in the weight's name; the module whose parameter
 * PyTorch's exporter says it is; the module in the bias's name; the submodule of the node, by the
 * exporter's notes or by a path such as "/encoder/query/MatMul"; else the weight's own name.
 */
export function nameLayers(
  layers: readonly Nameable[],
  exported: ExportedParameters | undefined,
): string[] {
  const owners = new Map<string, string>();
  for (const { name, fate, in: where } of exported?.parameters ?? []) {
    const match = WEIGHT.exec(name);
    if (match === null || fate === "folded" || fate === "packed") continue;
    // A tied one may be in two.
    for (const tensor of where) if (!owners.has(tensor)) owners.set(tensor, match[1]!);
  }
  const taken = new Set<string>();
  return layers.map(({ weight, node, bias }) => {
    const options = [
      WEIGHT.exec(weight)?.[1],
      owners.get(weight),
      BIAS.exec(bias ?? "")?.[1],
      scopeOf(node),
      /^\/(.+)\/[^/]+$/.exec(node.name)?.[1]?.replaceAll("/", "."),
      weight,
    ];
    let name = options.find((o) => o !== undefined && o !== "" && !taken.has(o));
    for (let k = 2; name === undefined; k++) {
      const numbered = `${weight}_${k}`;
      if (!taken.has(numbered)) name = numbered;
    }
    taken.add(name);
    return name;
  });
}
