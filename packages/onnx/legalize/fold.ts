/** @module */
import type { Builder } from "../graph/builder.ts";
import { keyOf, RANDOM } from "../graph/common.ts";
import { isStatic, sameDims } from "../graph/dims.ts";
import { liveNodes, readsOf } from "../graph/topology.ts";
import { bodiesOf, intAttribute, intsAttribute } from "../model/attributes.ts";
import { arrayFor, DataType } from "../model/data_type.ts";
import { makeTensor, tensorData } from "../model/tensor.ts";
import type { NodeProto } from "../proto/onnx_pb.ts";

/** Elements that a folded constant may have. */
const MOST_FOLDED = 65536;

/** What {@linkcode simplify} has to leave as it is. */
export interface Kept {
  /** Values that the graph gives out, by their names. */
  readonly outputs: readonly string[];
  /** Initializers of the file: parameters, which may be fed or trained. */
  readonly parameters: ReadonlySet<string>;
}

/**
 * The nodes that a graph needs: what is known already is made a constant, nodes that change nothing
 * and nodes that repeat others go, and so does what no output depends on. Nodes are copied where they
 * change.
 */
export function simplify(b: Builder, nodes: readonly NodeProto[], kept: Kept): NodeProto[] {
  const live = liveNodes(nodes, kept.outputs);
  const captured = new Set(
    live.flatMap((node) => bodiesOf(node).length > 0 ? readsOf(node) : []),
  );
  const named = new Set([...kept.outputs, ...captured]);
  const stands = new Map<string, string>();
  const now = (name: string): string => stands.get(name) ?? name;
  const made = new Map<string, readonly string[]>();
  const result: NodeProto[] = [];
  for (const node of live) {
    const current = node.input.some((name) => stands.has(name))
      ? { ...node, input: node.input.map(now) }
      : node;
    const free = current.output.every((name) => !named.has(name));
    if (free && current.output.length === 1) {
      const [output] = current.output as [string];
      if (becomesConstant(b, current, kept)) continue;
      const same = unchanged(b, current);
      if (same !== undefined) {
        stands.set(output, same);
        continue;
      }
    }
    const key = RANDOM.test(current.opType) ? undefined : keyOf(
      current.opType,
      current.domain,
      current.input,
      current.attribute,
      current.output.length,
    );
    const first = key === undefined ? undefined : made.get(key);
    if (first !== undefined && free) {
      current.output.forEach((name, k) => name !== "" && stands.set(name, first[k]!));
      // An output that only the repetition named.
      if (current.output.every((name, k) => name === "" || first[k] !== "")) continue;
      for (const name of current.output) stands.delete(name);
    }
    if (key !== undefined && first === undefined) made.set(key, current.output);
    result.push(current);
  }
  return liveNodes(withoutCopies(result, named), kept.outputs);
}

/** Lets the node that makes a value make the output that an Identity would copy it to. */
function withoutCopies(nodes: readonly NodeProto[], named: ReadonlySet<string>): NodeProto[] {
  const makers = new Set(nodes.flatMap((node) => node.output));
  const renamed = new Map<string, string>();
  const copies = new Set<NodeProto>();
  for (const node of nodes) {
    if (node.opType !== "Identity" || node.domain !== "") continue;
    const [from, to] = [node.input[0]!, node.output[0]!];
    if (!makers.has(from) || named.has(from) || renamed.has(from)) continue;
    renamed.set(from, to);
    copies.add(node);
  }
  if (copies.size === 0) return [...nodes];
  const now = (name: string) => renamed.get(name) ?? name;
  return nodes.filter((node) => !copies.has(node)).map((node) =>
    [...node.input, ...node.output].some((name) => renamed.has(name))
      ? { ...node, input: node.input.map(now), output: node.output.map(now) }
      : node
  );
}

/** Makes an initializer of a value that is known. */
function becomesConstant(b: Builder, node: NodeProto, kept: Kept): boolean {
  const output = node.output[0]!;
  const type = b.type(output);
  if (type === undefined || !isStatic(type.dims)) return false;
  const { dataType, dims } = type;
  const size = dims.reduce((a, d) => a * d, 1);
  if (size > MOST_FOLDED) return false;
  const known = dims.length > 1 ? undefined : b.known(output);
  const values = known !== undefined && known.length === size &&
      known.every((v) => typeof v === "number")
    ? known
    : viewOfConstant(b, node, kept);
  if (values === undefined) return false;
  const data = new (arrayFor(dataType, output))(size);
  const wide = dataType === DataType.INT64 || dataType === DataType.UINT64;
  if (dataType === DataType.FLOAT16 || dataType === DataType.BFLOAT16) return false;
  values.forEach((v, k) => data[k] = (wide ? BigInt(v) : v) as number);
  b.initializers.set(output, makeTensor(output, dataType, dims, data));
  return true;
}

const VIEWS = new Set(["Reshape", "Squeeze", "Unsqueeze", "Flatten", "Identity"]);

/** The elements of a constant in another shape or as another type. */
function viewOfConstant(b: Builder, node: NodeProto, kept: Kept): readonly number[] | undefined {
  if (node.domain !== "") return undefined;
  const from = b.initializers.get(node.input[0] ?? "");
  if (from === undefined || kept.parameters.has(from.name)) return undefined;
  const numbers = () => Array.from(tensorData(from) as ArrayLike<number | bigint>, Number);
  if (VIEWS.has(node.opType)) return numbers();
  if (node.opType !== "Cast") return undefined;
  const to = intAttribute(node, "to", 0);
  const values = numbers();
  if (to === DataType.BOOL) return values?.map((v) => v === 0 ? 0 : 1);
  return to === DataType.FLOAT || to === DataType.DOUBLE ? values : values?.map(Math.trunc);
}

/** The value that a node gives out again as it is. */
function unchanged(b: Builder, node: NodeProto): string | undefined {
  if (node.domain !== "") return undefined;
  const [x] = node.input as [string];
  const output = node.output[0]!;
  switch (node.opType) {
    case "Identity":
      return x;
    case "Reshape":
    case "Expand":
    case "Squeeze":
    case "Unsqueeze":
    case "Flatten":
      return sameDims(b.type(x)?.dims, b.type(output)?.dims) ? x : undefined;
    case "Cast":
      return b.type(x)?.dataType === intAttribute(node, "to", 0) ? x : undefined;
    case "Sum":
    case "Max":
    case "Min":
    case "Mean":
      return node.input.length === 1 ? x : undefined;
    case "Concat":
      return node.input.length === 1 ? x : undefined;
    case "Transpose": {
      const perm = intsAttribute(node, "perm", undefined);
      return perm?.every((p, k) => p === k) ? x : undefined;
    }
    default:
      return undefined;
  }
}
