/** @module */
import type { Builder } from "../graph/builder.ts";
import { keyOf, RANDOM } from "../graph/common.ts";
import { type Dim, isStatic, sameDims } from "../graph/dims.ts";
import { waitsFor } from "../graph/late.ts";
import { liveNodes, readsOf } from "../graph/topology.ts";
import { bodiesOf, intAttribute, intsAttribute } from "../model/attributes.ts";
import { arrayFor, DataType, isInteger, type TensorArray } from "../model/data_type.ts";
import { makeTensor, tensorData } from "../model/tensor.ts";
import { create } from "../proto/create.ts";
import { NodeProto, type TensorProto } from "../proto/onnx_pb.ts";

/** Elements that a folded constant may have. */
const MOST_FOLDED = 65536;

/** What {@linkcode simplify} has to leave as it is. */
export interface Kept {
  /** Values that the graph gives out, by their names. */
  readonly outputs: readonly string[];
  /** Initializers of the file: parameters, which may be fed or trained. */
  readonly parameters: ReadonlySet<string>;
  /**
   * Whether values that are wanted again late stay values of their own, where sizes are known, too;
   * else they are what they are copies of.
   */
  readonly late: boolean;
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
  const waits = new Map(
    kept.late ? live.map((node) => [node, waitsFor(b, node)] as const) : [],
  );
  for (const node of live) {
    const current = node.input.some((name) => stands.has(name))
      ? { ...node, input: node.input.map(now) }
      : node;
    const after = waits.get(node);
    if (after !== undefined && b.producer(now(after)) !== undefined) {
      result.push(...lateNodes(b, current, now(after)));
      continue;
    }
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
    const key = RANDOM.test(current.opType) ? undefined : keyOf(current);
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

/**
 * The nodes of a value that is wanted again late. ONNX Runtime folds the Shape of a value whose sizes it
 * knows, but not its Size.
 */
function lateNodes(b: Builder, node: NodeProto, after: string): NodeProto[] {
  const [x] = node.input as [string];
  const dims = b.type(x)?.dims;
  const made: NodeProto[] = [];
  const op = (opType: string, input: string[]) => {
    const output = b.fresh(`${node.output[0]}_${opType}`);
    made.push(create(NodeProto, {
      opType,
      name: output,
      input,
      output: [output],
    }));
    return output;
  };
  const known = isStatic(dims);
  const nothing = () => {
    const size = op("Size", [after]);
    return op("Sub", [size, size]);
  };
  const shape = !known && sameDims(dims, b.type(after)?.dims)
    ? op("Shape", [after])
    : op("Add", [known ? b.ints(dims) : op("Shape", [x]), nothing()]);
  return [...made, { ...node, input: [x, shape] }];
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
  const tensor = viewOfConstant(b, node, kept, dims) ?? knownIntegers(b, output, dataType, dims);
  if (tensor === undefined || tensor.dataType !== dataType) return false;
  b.initializers.set(output, tensor);
  return true;
}

/** Shape arithmetic whose result is known. */
function knownIntegers(
  b: Builder,
  output: string,
  dataType: DataType,
  dims: readonly number[],
): TensorProto | undefined {
  const values = dims.length > 1 || !isInteger(dataType) ? undefined : b.known(output);
  if (values === undefined || values.length !== (dims[0] ?? 1)) return undefined;
  // The largest safe integer stands for all int64 beyond it: which one it was is not known.
  const exact = (v: Dim) => typeof v === "number" && Math.abs(v) < Number.MAX_SAFE_INTEGER;
  if (!values.every(exact)) return undefined;
  return makeTensor(output, dataType, dims, converted(values as number[], dataType, output));
}

const VIEWS = new Set(["Reshape", "Squeeze", "Unsqueeze", "Flatten", "Identity"]);

/** A constant in another shape (the same data, whatever they are) or as another type. */
function viewOfConstant(
  b: Builder,
  node: NodeProto,
  kept: Kept,
  dims: readonly number[],
): TensorProto | undefined {
  if (node.domain !== "") return undefined;
  const from = b.initializers.get(node.input[0] ?? "");
  // Data in another file have no bytes here that could be shared.
  if (from === undefined || kept.parameters.has(from.name) || from.dataLocation === 1) {
    return undefined;
  }
  const [name] = node.output as [string];
  if (VIEWS.has(node.opType)) return { ...from, name, dims: dims.map(BigInt) };
  const to = node.opType === "Cast" ? intAttribute(node, "to", 0) : undefined;
  if (to === undefined || !isNumber(from.dataType) || !isNumber(to)) return undefined;
  const values = tensorData(from);
  return makeTensor(name, to, dims, converted(values, to, name));
}

/** Numbers that JavaScript has arrays of; float16 and bfloat16 are held as bits. */
const isNumber = (type: DataType) =>
  type === DataType.FLOAT || type === DataType.DOUBLE || isInteger(type);

/** Numbers as elements of another type, as Cast converts them: towards zero, modulo 2ⁿ. */
function converted(
  values: ArrayLike<number | bigint>,
  type: DataType,
  name: string,
): TensorArray {
  const data = new (arrayFor(type, name))(values.length);
  const wide = data instanceof BigInt64Array || data instanceof BigUint64Array;
  const integer = isInteger(type);
  for (let k = 0; k < values.length; k++) {
    const v = values[k]!;
    if (type === DataType.BOOL) data[k] = Number(v) === 0 ? 0 : 1;
    else if (wide) data[k] = (typeof v === "bigint" ? v : BigInt(whole(v))) as never;
    else if (integer && typeof v === "bigint") data[k] = Number(BigInt.asIntN(32, v));
    else data[k] = integer ? whole(Number(v)) : Number(v);
  }
  return data;
}

/** What has no integer is 0: its conversion is undefined. */
const whole = (v: number) => Number.isFinite(v) ? Math.trunc(v) : 0;

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
