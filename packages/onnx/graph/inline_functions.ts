/** @module */
import { nameOf } from "../model/attributes.ts";
import { OnnxError } from "../model/onnx_error.ts";
import { create } from "../proto/create.ts";
import { type FunctionProto, type ModelProto, NodeProto } from "../proto/onnx_pb.ts";

/** A node and the operator set that it was written for. */
export interface VersionedNode {
  readonly node: NodeProto;
  readonly opset: number;
}

/** Functions may call functions, but not this deep. */
const DEEPEST = 32;
/** Nodes that inlining may make: functions that double at each level would fill the memory. */
const MOST_NODES = 1_000_000;

const idOf = (domain: string, name: string, overload: string) =>
  `${domain === "ai.onnx" ? "" : domain}:${name}:${overload}`;

/** Replaces each call of a model-local function by the function's nodes. */
export function inlineFunctions(
  nodes: readonly NodeProto[],
  model: ModelProto,
  opset: number,
): VersionedNode[] {
  const functions = new Map(model.functions.map((f) => [idOf(f.domain, f.name, f.overload), f]));
  if (functions.size === 0) return nodes.map((node) => ({ node, opset }));
  const outer = new Set(nodes.flatMap((node) => node.output));
  const result: VersionedNode[] = [];
  let calls = 0;
  let made = 0;
  const visit = (list: readonly NodeProto[], version: number, depth: number) => {
    for (const node of list) {
      const body = functions.get(idOf(node.domain, node.opType, node.overload));
      if (body === undefined) {
        result.push({ node, opset: version });
      } else if (depth >= DEEPEST || made > MOST_NODES) {
        throw new OnnxError(
          `Cannot inline function "${node.opType}": functions are nested more than ${DEEPEST} deep ` +
            `or make more than ${MOST_NODES} nodes`,
          { node: nameOf(node) },
        );
      } else {
        const own = body.opsetImport.find((o) => o.domain === "" || o.domain === "ai.onnx");
        // No file has them: functions are younger than the sets whose models are brought to a newer one.
        if (own !== undefined && own.version < 7n) {
          throw new OnnxError(
            `Cannot inline function "${node.opType}": its operator set ${own.version} is older than 7`,
            { node: nameOf(node) },
          );
        }
        made += body.node.length + 1;
        const inlined = instantiate(
          body,
          node,
          prefixFor(body, `${node.opType}.${calls++}`, outer),
        );
        visit(inlined, own === undefined ? version : Number(own.version), depth + 1);
      }
    }
  };
  visit(nodes, opset, 0);
  return result;
}

/** What stands before the names of a call's values: nothing else in the graph may be called so. */
function prefixFor(body: FunctionProto, base: string, outer: ReadonlySet<string>): string {
  let prefix = `${base}/`;
  while (body.node.some((node) => node.output.some((name) => outer.has(prefix + name)))) {
    prefix = `${prefix}/`;
  }
  return prefix;
}

/** The nodes of a function for one call: values renamed, attributes filled in. */
function instantiate(body: FunctionProto, call: NodeProto, prefix: string): NodeProto[] {
  const given: [string, readonly string[], readonly string[]][] = [
    ["inputs", call.input, body.input],
    ["outputs", call.output, body.output],
  ];
  for (const [what, actual, expected] of given) {
    if (actual.length > expected.length) {
      throw new OnnxError(
        `Cannot inline function "${call.opType}" at "${nameOf(call)}": ` +
          `expected at most ${expected.length} ${what}, actual number is ${actual.length}`,
        { node: nameOf(call) },
      );
    }
  }
  const names = new Map<string, string>();
  body.input.forEach((name, k) => names.set(name, call.input[k] ?? ""));
  const passed = new Map<string, string>();
  body.output.forEach((name, k) => {
    const outer = call.output[k];
    if (outer === undefined || outer === "") return;
    // A value that has a name outside already: an input returned as it is, or an output twice.
    const known = names.get(name);
    if (known === undefined) names.set(name, outer);
    else if (known !== "") passed.set(outer, known);
  });
  const rename = (name: string) => name === "" ? "" : names.get(name) ?? `${prefix}${name}`;
  const inner = body.node.map((node) => ({
    ...node,
    name: `${prefix}${node.name}`,
    input: node.input.map(rename),
    output: node.output.map(rename),
    attribute: node.attribute.flatMap((a) => {
      if (a.refAttrName === "") {
        if (a.g !== undefined || a.graphs.length > 0) {
          throw new OnnxError(
            `Cannot inline function "${call.opType}": its ${node.opType} has a body`,
            { node: nameOf(call) },
          );
        }
        return [a];
      }
      const given = call.attribute.find((x) => x.name === a.refAttrName) ??
        body.attributeProto.find((x) => x.name === a.refAttrName);
      return given === undefined ? [] : [{ ...given, name: a.name }];
    }),
  }));
  return [
    ...inner,
    ...[...passed].map(([to, from]) =>
      create(NodeProto, { opType: "Identity", input: [from], output: [to] })
    ),
  ];
}
