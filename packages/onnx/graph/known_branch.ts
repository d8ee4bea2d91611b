/** @module */
import { nameOf } from "../model/attributes.ts";
import type { AttributeProto, GraphProto, NodeProto } from "../proto/onnx_pb.ts";
import type { Builder } from "./builder.ts";

/**
 * Writes the branch of an If whose condition is known beforehand, as that of a stored constant or of
 * sizes that are, in the node's place.
 *
 * @param add Adds a node as one of the graph.
 * @returns False where the condition is not known.
 */
export function addKnownBranch(
  b: Builder,
  node: NodeProto,
  add: (node: NodeProto) => void,
): boolean {
  const [condition] = b.known(node.input[0] ?? "") ?? [];
  if (typeof condition !== "number") return false;
  const branch = condition === 0 ? "else_branch" : "then_branch";
  const body = node.attribute.find(({ name }) => name === branch)?.g;
  if (body === undefined) return false;
  const names = new Map<string, string>();
  // Both branches may use the same names.
  const rename = (name: string) =>
    name !== "" && names.set(name, b.fresh(`${nameOf(node)}/${name}`));
  for (const tensor of body.initializer) {
    rename(tensor.name);
    const name = names.get(tensor.name)!;
    b.initializers.set(name, { ...tensor, name });
  }
  for (const { output } of body.node) output.forEach(rename);
  for (const each of body.node) add(renamed(each, names));
  body.output.forEach(({ name }, k) => {
    const output = node.output[k];
    if (output !== undefined && output !== "") b.alias(names.get(name) ?? name, output);
  });
  return true;
}

/** A node with other names, in its bodies too where these do not hide them. */
function renamed(node: NodeProto, names: ReadonlyMap<string, string>): NodeProto {
  const of = (name: string) => names.get(name) ?? name;
  const attribute = node.attribute.map((a): AttributeProto =>
    a.g === undefined ? a : { ...a, g: renamedBody(a.g, names) }
  );
  return { ...node, input: node.input.map(of), output: node.output.map(of), attribute };
}

function renamedBody(body: GraphProto, outer: ReadonlyMap<string, string>): GraphProto {
  const names = new Map(outer);
  const own = [...body.input, ...body.initializer].map(({ name }) => name);
  for (const name of [...own, ...body.node.flatMap((n) => n.output)]) names.delete(name);
  return {
    ...body,
    node: body.node.map((node) => renamed(node, names)),
    output: body.output.map((value) => ({ ...value, name: names.get(value.name) ?? value.name })),
  };
}
