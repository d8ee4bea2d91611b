/** @module */
import type { Builder } from "../graph/builder.ts";
import { replaceNode } from "../graph/replace_node.ts";
import { nodeContext } from "../graph/node_context.ts";
import { type OperatorRule, type RuleLookup, ruleOf } from "../graph/rule.ts";
import { readsOf } from "../graph/topology.ts";
import { unknownAttribute } from "../model/attribute_kinds.ts";
import { bodiesOf, nameOf } from "../model/attributes.ts";
import { DataType, dataTypeName, isFloating } from "../model/data_type.ts";
import { OnnxError } from "../model/onnx_error.ts";
import type { NodeProto } from "../proto/onnx_pb.ts";
import { guarded } from "./guarded.ts";

/** Where a graph is differentiated. */
export interface Route {
  /** What is differentiated. */
  readonly ends: readonly string[];
  /** By what. */
  readonly wanted: readonly string[];
  /** Values that are taken for constants. */
  readonly stopped: ReadonlySet<string>;
}

/** The nodes between the wanted values and the ends. */
export interface Path {
  /** In order. */
  readonly path: readonly NodeProto[];
  /** Values that depend on a wanted one. */
  readonly varying: ReadonlySet<string>;
}

/**
 * The nodes to go back through, after those that stand for several nodes were replaced by these.
 *
 * @throws {OnnxError} One error that lists every node without a rule, and every one that makes integers
 *   of floats from which the ends are computed.
 */
export function pathOf(b: Builder, lookup: RuleLookup, route: Route): Path {
  const nodes = [...b.nodes];
  const varying = dependents(b, lookup, nodes, route);
  const path = nodesBetween(b, lookup, nodes, varying, route.ends);
  refuseMissing(b, lookup, path, varying);
  const expandable = path.filter((node) => ruleOf(lookup, node)?.expand !== undefined);
  if (expandable.length === 0) return { path, varying };
  for (const node of expandable) {
    const expand = ruleOf(lookup, node)!.expand!;
    replaceNode(b, node, () => guarded(node, () => expand(nodeContext(node, b, b.opset))));
  }
  return pathOf(b, lookup, route);
}

/** The nodes without a rule on the paths from `wanted` to `ends`, in order. */
export function missingRules(
  b: Builder,
  lookup: RuleLookup,
  ends: readonly string[],
  wanted: readonly string[],
): NodeProto[] {
  const varying = dependents(b, lookup, b.nodes, { ends, wanted, stopped: new Set() });
  const path = nodesBetween(b, lookup, b.nodes, varying, ends);
  return path.filter((node) =>
    lacksRule(node, lookup, varying) || makesIntegers(node, b, lookup, varying)
  );
}

const hasGradient = (rule: OperatorRule | undefined) =>
  rule?.gradient !== undefined || rule?.expand !== undefined;

const isFloat = (b: Builder, name: string) => {
  const type = b.type(name);
  return type === undefined || isFloating(type.dataType);
};

const isWhole = (b: Builder, name: string) => {
  const type = b.type(name)?.dataType;
  return type !== undefined && !isFloating(type) && type !== DataType.BOOL &&
    type !== DataType.STRING;
};

/** Operators that make floats of integers, whatever rule they have for their other inputs. */
const fromIntegers = ({ opType }: NodeProto) => opType === "Cast" || opType === "DequantizeLinear";

/**
 * Whether numbers go on through an integer input of a node: to other integers, or back to floats by
 * Cast, DequantizeLinear or an operator without a rule. As an index or a shape they have no
 * gradient that could be missed.
 */
const goesOn = (b: Builder, lookup: RuleLookup, node: NodeProto) =>
  fromIntegers(node) || !hasGradient(ruleOf(lookup, node)) ||
  node.output.some((name) => name !== "" && isWhole(b, name));

/** Operators on the bits of integers have no gradient, but their numbers go on. */
const BITS = /^Bit(Shift|wise)/;

/**
 * Values that depend on any of the wanted ones, these included. An operator whose rule says "none"
 * (comparisons, indices) ends the dependence; integers that others make of floats continue it, so that
 * a path through them is found.
 */
function dependents(
  b: Builder,
  lookup: RuleLookup,
  nodes: readonly NodeProto[],
  { wanted, stopped }: Route,
): Set<string> {
  const found = new Set(wanted);
  for (const node of nodes) {
    const reads = readsOf(node).filter((name) => found.has(name));
    if (reads.length === 0) continue;
    const rule = ruleOf(lookup, node);
    if (rule?.gradient === "none" && !BITS.test(node.opType)) continue;
    const fromFloats = reads.some((name) => isFloat(b, name));
    const throughIntegers = reads.some((name) => isWhole(b, name)) && goesOn(b, lookup, node);
    for (const name of node.output) {
      if (name === "" || stopped.has(name)) continue;
      if (isFloat(b, name)) {
        const back = fromIntegers(node) || !hasGradient(rule);
        if (fromFloats || (throughIntegers && back)) found.add(name);
      } else if (isWhole(b, name)) {
        // Further outputs of an operator with a rule are indices.
        const made = fromFloats && (node.opType === "Cast" || !hasGradient(rule));
        if (made || throughIntegers) found.add(name);
      }
    }
  }
  return found;
}

/** The nodes that lead from a varying value to one of `ends`, in order. */
function nodesBetween(
  b: Builder,
  lookup: RuleLookup,
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
    for (const name of readsOf(node)) {
      if (!varying.has(name)) continue;
      if (isFloat(b, name) || goesOn(b, lookup, node)) reached.add(name);
    }
  }
  return path.reverse();
}

const lacksRule = (node: NodeProto, lookup: RuleLookup, varying: ReadonlySet<string>) =>
  readsOf(node).some((name) => varying.has(name)) &&
  (bodiesOf(node).length > 0 || !hasGradient(ruleOf(lookup, node)));

/** Whether a node with a rule makes integers of floats, from which there is no way back. */
const makesIntegers = (
  node: NodeProto,
  b: Builder,
  lookup: RuleLookup,
  varying: ReadonlySet<string>,
) =>
  hasGradient(ruleOf(lookup, node)) &&
  node.output.some((name) => varying.has(name) && isWhole(b, name)) &&
  readsOf(node).some((name) => varying.has(name) && isFloat(b, name));

function refuseMissing(
  b: Builder,
  lookup: RuleLookup,
  path: readonly NodeProto[],
  varying: ReadonlySet<string>,
): void {
  const missing = path.filter((node) => lacksRule(node, lookup, varying));
  const integers = path.filter((node) => makesIntegers(node, b, lookup, varying));
  if (missing.length === 0 && integers.length === 0) return;
  const many = (list: readonly NodeProto[]) => list.length === 1 ? "node" : "nodes";
  const reasons: string[] = [];
  if (missing.length > 0) {
    const list = missing.map((node) => {
      const domain = node.domain === "" ? "" : `${node.domain}.`;
      const attribute = unknownAttribute(node);
      const why = attribute === undefined ? "" : ` (its attribute "${attribute}" is not known)`;
      return `${domain}${node.opType} "${nameOf(node)}"${why}`;
    });
    reasons.push(
      `no rule for ${list.length} ${many(missing)} on the path to a trainable parameter: ` +
        list.join(", "),
    );
  }
  if (integers.length > 0) {
    const list = integers.map((node) => {
      const output = node.output.find((name) => varying.has(name) && isWhole(b, name))!;
      const type = dataTypeName(b.type(output)!.dataType);
      return `${node.opType} "${nameOf(node)}" (to ${type} "${output}")`;
    });
    reasons.push(
      `the path to a trainable parameter leads through integers, which have no gradient, by ` +
        `${list.length} ${many(integers)}: ${list.join(", ")}; name what they make in stopped ` +
        `to take it for constant`,
    );
  }
  throw new OnnxError(`Cannot differentiate the graph: ${reasons.join("; and ")}`, {
    node: nameOf((missing[0] ?? integers[0])!),
  });
}
