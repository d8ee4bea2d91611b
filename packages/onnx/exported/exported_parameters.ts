/** @module */
import { isFloating } from "../model/data_type.ts";
import { tensorSize } from "../model/tensor.ts";
import type { ModelProto, NodeProto, TensorProto } from "../proto/onnx_pb.ts";
import { isMask, isUniform } from "./contents.ts";
import { isRewritten, scopeOf, signatureOf } from "./signature.ts";

/**
 * What became of a parameter in the file:
 *
 * - `kept`: an initializer of its own name;
 * - `renamed`: an initializer of another name, perhaps transposed or with further axes;
 * - `packed`: with others in one initializer of a GRU, LSTM or RNN;
 * - `shared`: one initializer for several: tied in the module, or merged because they were equal;
 * - `split`: a tied one that became two;
 * - `folded`: multiplied into other weights, or computed with others into a constant;
 * - `dropped`: a bias that was zero.
 */
export type Fate = "kept" | "renamed" | "packed" | "shared" | "split" | "folded" | "dropped";

/** A parameter of the PyTorch module. */
export interface ExportedParameter {
  /** PyTorch's name. */
  readonly name: string;
  readonly fate: Fate;
  /** The initializers that hold it, or into which it was folded. */
  readonly in: readonly string[];
}

/** What a file says of the PyTorch module that it was exported from. */
export interface ExportedParameters {
  readonly parameters: readonly ExportedParameter[];
  /** Initializers that are buffers of the module. */
  readonly buffers: readonly string[];
  /** Initializers that hold parameters, in the order of the file: what is trained by default. */
  readonly trainable: readonly string[];
  /** Whether the exporter's optimization went over the graph. */
  readonly optimized: boolean;
}

interface Use {
  readonly node: NodeProto;
  readonly index: number;
}

/**
 * Finds the parameters of the PyTorch module in an exported file, by the names that the exporter
 * (`dynamo=True`) notes in the graph's metadata. Undefined for a file without them.
 *
 * Parameters under another name are found by the submodule whose nodes read them, so that what is
 * not certain is which one, not whether there is one.
 *
 * @example
 * ```ts
 * import { exportedParameters, type ModelProto } from "@precond/onnx";
 *
 * const lost = (model: ModelProto) =>
 *   exportedParameters(model)?.parameters.filter(({ fate }) => fate === "folded");
 * ```
 */
export function exportedParameters(model: ModelProto): ExportedParameters | undefined {
  const graph = model.graph;
  const signature = graph === undefined ? undefined : signatureOf(graph);
  if (graph === undefined || signature === undefined) return undefined;
  const tensors = new Map(
    graph.initializer.filter((t) => isFloating(t.dataType)).map((t) => [t.name, t]),
  );
  const [owned, buffers] = [new Set(signature.parameters), new Set(signature.buffers)];
  const module = readModule(graph.node, tensors);
  const isDerived = (name: string) => {
    const tensor = tensors.get(name);
    return tensor !== undefined && !owned.has(name) && !buffers.has(name) &&
      tensorSize(tensor) > 1 && !module.identities.has(name) && !isMask(tensor);
  };

  const found = new Map<string, ExportedParameter>();
  const put = (name: string, fate: Fate, ...where: string[]) =>
    found.set(name, { name, fate, in: [...new Set(where)] });
  const taken = new Set<string>();
  const assigned = new Map<string, Set<string>>();
  const left: string[] = [];
  for (const name of signature.parameters) {
    const scope = module.scopeFor(name);
    const nodes = scope === undefined ? [] : module.nodes.get(scope)!;
    const kept = tensors.has(name);
    if (isFolded(name, signature.buffers, tensors)) {
      put(name, "folded", ...nodes.flatMap((node) => node.input.filter((i) => owned.has(i))));
      continue;
    }
    const ownUse = nodes.some((node) => node.input.includes(name));
    if (kept && (ownUse || nodes.length === 0 || scope !== parentOf(name))) {
      put(name, "kept", name);
      continue;
    }
    const used = assigned.get(scope ?? "") ?? new Set<string>();
    assigned.set(scope ?? "", used);
    const packed = packedIn(name, nodes, isDerived);
    if (packed !== undefined) {
      put(name, "packed", packed);
      taken.add(packed);
      continue;
    }
    const holder = scope === undefined || (scope === "" && parentOf(name) !== "")
      ? undefined
      : holderOf(name, nodes, (i) => isDerived(i) && !used.has(i));
    if (holder !== undefined) {
      used.add(holder);
      taken.add(holder);
      put(name, kept ? "split" : "renamed", ...(kept ? [name] : []), holder);
      continue;
    }
    if (kept) {
      put(name, "kept", name);
      continue;
    }
    const foreign = nodes.flatMap((node) => [...node.input]).find((i) =>
      i !== name && owned.has(i) && tensors.has(i) && leafOf(i) === leafOf(name)
    );
    if (foreign !== undefined) put(name, "shared", foreign);
    else if (isBias(name) && nodes.length > 0) put(name, "dropped");
    else left.push(name);
  }
  // A parameter whose submodule has no node left: the table of positions, gathered beforehand.
  const rest = [...tensors.keys()].filter((i) =>
    isDerived(i) && !taken.has(i) && !isUniform(tensors.get(i)!) && module.uses.has(i)
  );
  left.forEach((name, k) => {
    const pairs = rest.length === left.length;
    put(name, isBias(name) && !pairs ? "dropped" : "folded", ...(pairs ? [rest[k]!] : []));
    if (pairs) taken.add(rest[k]!);
  });

  const optimized = graph.node.some(isRewritten) ||
    [...tensors.keys()].some((i) => isDerived(i));
  const holders = new Map<string, number>();
  for (const { fate, in: where } of found.values()) {
    if (fate === "packed" || fate === "folded") continue;
    for (const i of where) holders.set(i, (holders.get(i) ?? 0) + 1);
  }
  // Weights that took up a normalization are no more those of the module, whatever their name.
  const into = new Set(
    [...found.values()].flatMap((p) => p.fate === "folded" && !tensors.has(p.name) ? p.in : []),
  );
  const parameters = signature.parameters.map((name): ExportedParameter => {
    const one = found.get(name)!;
    if (one.fate === "kept" && into.has(name)) return { ...one, fate: "folded" };
    const several = one.in.some((i) => (holders.get(i) ?? 0) > 1);
    return several && (one.fate === "kept" || one.fate === "renamed")
      ? { ...one, fate: "shared" }
      : one;
  });
  return {
    parameters,
    buffers: [...tensors.keys()].filter((i) => buffers.has(i)),
    trainable: [...tensors.keys()].filter((i) => owned.has(i) || taken.has(i)),
    optimized,
  };
}

const parentOf = (name: string) => name.split(".").slice(0, -1).join(".");
const leafOf = (name: string) => name.slice(name.lastIndexOf(".") + 1);
const isBias = (name: string) => leafOf(name).includes("bias");

interface Module {
  /** Nodes by the submodule that they are of. */
  readonly nodes: ReadonlyMap<string, readonly NodeProto[]>;
  readonly uses: ReadonlyMap<string, readonly Use[]>;
  /** Scales of ones and offsets of zeros that GroupNorm gives InstanceNormalization. */
  readonly identities: ReadonlySet<string>;
  /** The innermost submodule around a parameter that has nodes. */
  scopeFor(parameter: string): string | undefined;
}

function readModule(
  list: readonly NodeProto[],
  tensors: ReadonlyMap<string, TensorProto>,
): Module {
  const nodes = new Map<string, NodeProto[]>();
  const uses = new Map<string, Use[]>();
  const identities = new Set<string>();
  for (const node of list) {
    const scope = scopeOf(node);
    if (scope !== undefined) nodes.set(scope, [...(nodes.get(scope) ?? []), node]);
    node.input.forEach((name, index) => {
      if (tensors.has(name)) uses.set(name, [...(uses.get(name) ?? []), { node, index }]);
    });
    const [, scale, offset] = node.input;
    if (node.opType !== "InstanceNormalization") continue;
    const [s, c] = [tensors.get(scale!), tensors.get(offset!)];
    if (s !== undefined && c !== undefined && isUniform(s, 1) && isUniform(c, 0)) {
      identities.add(scale!).add(offset!);
    }
  }
  return {
    nodes,
    uses,
    identities,
    scopeFor(parameter) {
      const parts = parameter.split(".").slice(0, -1);
      for (let count = parts.length; count >= 0; count--) {
        const scope = parts.slice(0, count).join(".");
        if (nodes.has(scope)) return scope;
        // A list of modules is no module with nodes, nor is what lies around it the parameter's.
        if ([...nodes.keys()].some((other) => other.startsWith(`${scope}.`))) return undefined;
      }
      return undefined;
    },
  };
}

/** Whether a parameter is one of a batch normalization that was folded into the weights before it. */
function isFolded(
  name: string,
  buffers: readonly string[],
  tensors: ReadonlyMap<string, TensorProto>,
): boolean {
  const mean = `${parentOf(name)}.running_mean`;
  return buffers.includes(mean) && !tensors.has(mean) && !tensors.has(name);
}

const RECURRENT = /^(GRU|LSTM|RNN)$/;

/** `weight_ih_l1_reverse` is in input 1 of the second node, `weight_hh_l1` in 2, biases in 3. */
function packedIn(
  name: string,
  nodes: readonly NodeProto[],
  isDerived: (name: string) => boolean,
): string | undefined {
  const match = /^(weight_ih|weight_hh|bias_ih|bias_hh)_l(\d+)(_reverse)?$/.exec(leafOf(name));
  if (match === null) return undefined;
  const node = nodes.filter(({ opType }) => RECURRENT.test(opType))[Number(match[2])];
  const holder = node?.input[{ weight_ih: 1, weight_hh: 2 }[match[1]!] ?? 3];
  return holder !== undefined && isDerived(holder) ? holder : undefined;
}

/** What is added, or the last operand of an operator with a bias, is a bias. */
function holderOf(
  name: string,
  nodes: readonly NodeProto[],
  isFree: (name: string) => boolean,
): string | undefined {
  for (const node of nodes) {
    const at = node.input.findIndex((input, index) =>
      isFree(input) && (node.opType === "Add" || index === 2) === isBias(name)
    );
    if (at >= 0) return node.input[at];
  }
  // A parameter that is added and is no bias: a table of positions.
  return isBias(name) ? undefined : nodes.flatMap((node) => [...node.input]).find(isFree);
}
