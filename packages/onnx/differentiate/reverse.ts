/** @module */
import type { Builder } from "../graph/builder.ts";
import type { RuleLookup } from "../graph/rule.ts";
import { addAll } from "../graph/add_parts.ts";
import { isStatic, sameDims } from "../graph/dims.ts";
import { replaceNode } from "../graph/replace_node.ts";
import { readsOf } from "../graph/topology.ts";
import { bodiesOf, nameOf } from "../model/attributes.ts";
import { isFloating } from "../model/data_type.ts";
import { OnnxError } from "../model/onnx_error.ts";
import type { NodeProto } from "../proto/onnx_pb.ts";
import { gradientContext, nodeContext } from "../graph/node_context.ts";
import type { OperatorRule } from "../graph/rule.ts";

/**
 * Reverse mode: appends the nodes that compute `Σ_k seedₖᵀ ∂outputₖ/∂x` for every x of `wanted`.
 *
 * @param seeds The cotangent of each output that is differentiated.
 * @returns For each wanted value the name of its gradient, undefined where no output depends on it.
 * @throws {OnnxError} One error that lists every node without a rule on a path to a wanted value.
 */
export function backpropagate(
  b: Builder,
  lookup: RuleLookup,
  seeds: ReadonlyMap<string, string>,
  wanted: readonly string[],
): Map<string, string | undefined> {
  const cotangents = cotangentsOf(b, lookup, seeds, wanted);
  return new Map(wanted.map((name) => [name, cotangents.get(name)]));
}

/** {@linkcode backpropagate}, with the cotangent of every value on a path to a wanted one. */
export function cotangentsOf(
  b: Builder,
  lookup: RuleLookup,
  seeds: ReadonlyMap<string, string | (() => string)>,
  wanted: readonly string[],
): Map<string, string> {
  const { path, varying } = pathOf(b, lookup, [...seeds.keys()], wanted);

  // Made late: of a value whose type is not known, the error above says why.
  const shares = new Map(
    [...seeds].map(([name, seed]) => [name, [typeof seed === "string" ? seed : seed()]]),
  );
  const cotangents = new Map<string, string>();
  // When a value is reached, all that its uses give is there: it is summed at once.
  const total = (name: string) => {
    const found = cotangents.get(name);
    const values = shares.get(name);
    if (found !== undefined || values === undefined) return found;
    const sum = addAll(b, values);
    cotangents.set(name, sum);
    return sum;
  };

  for (let k = path.length - 1; k >= 0; k--) {
    const node = path[k]!;
    const arrived = guarded(node, () => node.output.map(total));
    if (arrived.every((c) => c === undefined)) continue;
    const rule = lookup(node.opType, node.domain)!;
    if (typeof rule.gradient !== "function") continue;
    const wants = (index: number) => varying.has(node.input[index] ?? "");
    const gradients = guarded(node, () => {
      const n = gradientContext(node, b, arrived, wants);
      return rule.gradient === "none" || rule.gradient === undefined ? [] : rule.gradient(n);
    });
    gradients.forEach((gradient, index) => {
      const input = node.input[index];
      if (gradient === undefined || input === undefined || input === "" || !wants(index)) return;
      const [from, to] = [b.type(gradient)?.dims, b.type(input)?.dims];
      if (isStatic(from) && isStatic(to) && !sameDims(from, to)) {
        throw new OnnxError(
          `Cannot differentiate ${node.opType} "${nameOf(node)}": the gradient of input ${index} ` +
            `has shape [${from}], the input has [${to}]`,
          { node: nameOf(node) },
        );
      }
      const values = shares.get(input);
      if (values === undefined) shares.set(input, [gradient]);
      else values.push(gradient);
    });
  }
  for (const name of shares.keys()) summed(name, () => total(name));
  return cotangents;
}

interface Path {
  readonly path: readonly NodeProto[];
  readonly varying: ReadonlySet<string>;
}

/** The nodes to go back through, after those that stand for several nodes were replaced by these. */
function pathOf(
  b: Builder,
  lookup: RuleLookup,
  ends: readonly string[],
  wanted: readonly string[],
): Path {
  const nodes = [...b.nodes];
  const varying = dependents(b, lookup, nodes, wanted);
  const path = nodesBetween(nodes, varying, ends);
  refuseMissing(path, lookup, varying);
  const expandable = path.filter((node) => lookup(node.opType, node.domain)?.expand !== undefined);
  if (expandable.length === 0) return { path, varying };
  for (const node of expandable) {
    const expand = lookup(node.opType, node.domain)!.expand!;
    replaceNode(b, node, () => guarded(node, () => expand(nodeContext(node, b, b.opset))));
  }
  return pathOf(b, lookup, ends, wanted);
}

function summed<T>(name: string, body: () => T): T {
  try {
    return body();
  } catch (cause) {
    if (cause instanceof OnnxError) throw cause;
    throw new OnnxError(`Cannot differentiate by "${name}": ${(cause as Error).message}`, {
      node: name,
      cause,
    });
  }
}

function guarded<T>(node: NodeProto, body: () => T): T {
  try {
    return body();
  } catch (cause) {
    if (cause instanceof OnnxError) throw cause;
    throw new OnnxError(
      `Cannot differentiate ${node.opType} "${nameOf(node)}": ${(cause as Error).message}`,
      { node: nameOf(node), cause },
    );
  }
}

/** Values that depend differentiably on any of `sources`, these included. */
function dependents(
  b: Builder,
  lookup: RuleLookup,
  nodes: readonly NodeProto[],
  sources: readonly string[],
): Set<string> {
  const found = new Set(sources);
  for (const node of nodes) {
    if (!readsOf(node).some((name) => found.has(name))) continue;
    if (lookup(node.opType, node.domain)?.gradient === "none") continue;
    for (const name of node.output) {
      const type = name === "" ? undefined : b.type(name);
      // Integers carry no gradient; a value of unknown type may.
      if (name !== "" && (type === undefined || isFloating(type.dataType))) found.add(name);
    }
  }
  return found;
}

/** The nodes that lead from a varying value to one of `ends`, in order. */
function nodesBetween(
  nodes: readonly NodeProto[],
  varying: ReadonlySet<string>,
  ends: readonly string[],
): NodeProto[] {
  const reached = new Set(ends);
  const path: NodeProto[] = [];
  for (let k = nodes.length - 1; k >= 0; k--) {
    const node = nodes[k]!;
    if (!node.output.some((name) => reached.has(name) && varying.has(name))) continue;
    path.push(node);
    for (const name of readsOf(node)) if (varying.has(name)) reached.add(name);
  }
  return path.reverse();
}

const hasGradient = (rule: OperatorRule | undefined) =>
  rule?.gradient !== undefined || rule?.expand !== undefined;

/** The nodes without a rule on the paths from `wanted` to `ends`, in order. */
export function missingRules(
  b: Builder,
  lookup: RuleLookup,
  ends: readonly string[],
  wanted: readonly string[],
): NodeProto[] {
  const varying = dependents(b, lookup, b.nodes, wanted);
  return withoutRule(nodesBetween(b.nodes, varying, ends), lookup, varying);
}

function withoutRule(
  path: readonly NodeProto[],
  lookup: RuleLookup,
  varying: ReadonlySet<string>,
): NodeProto[] {
  return path.filter((node) =>
    readsOf(node).some((name) => varying.has(name)) &&
    (bodiesOf(node).length > 0 || !hasGradient(lookup(node.opType, node.domain)))
  );
}

function refuseMissing(
  path: readonly NodeProto[],
  lookup: RuleLookup,
  varying: ReadonlySet<string>,
): void {
  const missing = withoutRule(path, lookup, varying);
  if (missing.length === 0) return;
  const list = missing.map((node) => {
    const domain = node.domain === "" ? "" : `${node.domain}.`;
    return `${domain}${node.opType} "${nameOf(node)}"`;
  });
  throw new OnnxError(
    `Cannot differentiate the graph: no rule for ${list.length} ${
      list.length === 1 ? "node" : "nodes"
    } on the path to a trainable parameter: ${list.join(", ")}`,
    { node: nameOf(missing[0]!) },
  );
}
