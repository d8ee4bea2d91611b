/** @module */
import { DataType } from "../model/data_type.ts";
import { floatsAttribute, intsAttribute, nameOf, tensorAttribute } from "../model/attributes.ts";
import { OnnxError } from "../model/onnx_error.ts";
import { tensorDims } from "../model/tensor.ts";
import type { ModelProto, NodeProto, TypeProto, ValueInfoProto } from "../proto/onnx_pb.ts";
import { nodeContext } from "./node_context.ts";
import type { ValueType } from "./value_type.ts";
import type { Builder } from "./builder.ts";
import { createBuilder } from "./create_builder.ts";
import { type Rewrite, type RuleLookup, ruleOf } from "./rule.ts";
import { type Dim, symbolOf } from "./dims.ts";
import type { inlineFunctions } from "./inline_functions.ts";
import type { addKnownBranch } from "./known_branch.ts";
import type { prepared } from "./prepared.ts";
import { sortNodes } from "./topology.ts";

/** Oldest operator set that is written: from 7 on broadcasting is NumPy's. Older ones are brought to it. */
export const OLDEST_OPSET = 7;
/** Newest operator set that could be meant; a damaged file may claim any. */
export const NEWEST_OPSET = 99;
/** Operator set that gradient nodes are written for, at least: ScatterElements adds, axes are inputs. */
export const WRITTEN_OPSET = 18;

/** A model ready to grow. */
export interface LoadedGraph {
  readonly b: Builder;
  /** What was read. */
  readonly model: ModelProto;
  /** Inputs that the caller feeds. */
  readonly inputs: readonly ValueInfoProto[];
  readonly outputs: readonly ValueInfoProto[];
  /** Names of the file's initializers, without what Constant nodes became. */
  readonly initializers: readonly string[];
  /** Those that are constants of their operators (running statistics, bounds), not parameters. */
  readonly constants: ReadonlySet<string>;
}

/** Options of `loadGraph()`. */
export interface LoadOptions {
  /** Forces Dropout and BatchNormalization into (true) or out of (false) training mode. */
  readonly training?: boolean | undefined;
  /** Tried on every node before it is added. */
  readonly rewrite?: Rewrite;
  /** What a declared value is taken for: other sizes, another element type. */
  readonly retype?: (name: string, type: ValueType) => ValueType;
}

/** Version of the default operator set that a model was written for; 0 where it names none. */
export function opsetOf(model: ModelProto): number {
  const entry = model.opsetImport.find((o) => o.domain === "" || o.domain === "ai.onnx");
  return Number(entry?.version ?? 0);
}

/** The type of a tensor value; undefined for sequences, maps and what is not declared. */
export function valueType(type: TypeProto | undefined, of: string): ValueType | undefined {
  if (type?.value?.$case !== "tensorType") return undefined;
  const { elemType, shape } = type.value.value;
  if (elemType === 0) return undefined;
  if (shape === undefined) return { dataType: elemType };
  const dims = shape.dim.map((d, k): Dim => {
    if (d.value?.$case === "dimParam" && d.value.value !== "") {
      return symbolOf(d.value.value);
    }
    const own = symbolOf(`${of}.${k}`);
    if (d.value?.$case !== "dimValue") return own;
    const size = Number(d.value.value);
    if (!Number.isSafeInteger(size)) {
      throw new OnnxError(`Cannot read the shape of "${of}": size ${d.value.value}`, { node: of });
    }
    return size < 0 ? own : size;
  });
  return { dataType: elemType, dims };
}

/** What reads a graph, at hand or to be loaded. */
export interface LoadParts {
  readonly lookup: RuleLookup;
  readonly prepared: typeof prepared;
  readonly inlineFunctions: typeof inlineFunctions;
  readonly addKnownBranch: typeof addKnownBranch;
}

/** `prepared()` of {@linkcode LoadParts}, which few models need. */
export function preparedWith(parts: Pick<LoadParts, "prepared">, model: ModelProto): ModelProto {
  const { node = [], sparseInitializer = [] } = model.graph ?? {};
  return opsetOf(model) < OLDEST_OPSET || sparseInitializer.length > 0 ||
      node.some((n) => n.opType === "BatchNormalization")
    ? parts.prepared(model)
    : model;
}

/** `loadGraph()`, from given parts; those that are not needed are not touched. */
export function loadGraphWith(
  parts: LoadParts,
  given: ModelProto,
  { training, rewrite, retype = (_, type) => type }: LoadOptions = {},
): LoadedGraph {
  const { lookup } = parts;
  const model = preparedWith(parts, given);
  const graph = model.graph;
  if (graph === undefined) throw new OnnxError("Cannot read the model: it has no graph");
  const opset = opsetOf(model);
  requireUnderstood(opset);
  const inlined = model.functions.length === 0
    ? graph.node.map((node) => ({ node, opset }))
    : parts.inlineFunctions(graph.node, model, opset);
  const versions = new Map(inlined.map(({ node, opset }) => [node, opset]));
  const sorted = sortNodes({ ...graph, node: inlined.map(({ node }) => node) });
  // A function may import another version than the model.
  const imported = new Set([opset, ...versions.values()]);
  imported.forEach(requireUnderstood);
  const reserved = new Set([
    ...graph.input.map((i) => i.name),
    ...graph.initializer.map((i) => i.name),
    ...sorted.flatMap((node) => node.output),
  ]);
  const b = createBuilder(
    Math.max(WRITTEN_OPSET, ...imported),
    lookup,
    reserved,
    training,
    rewrite,
  );
  const seen = new Set<string>();
  for (const tensor of graph.initializer) {
    if (seen.has(tensor.name)) {
      throw new OnnxError(`Cannot read the graph: initializer "${tensor.name}" is given twice`);
    }
    seen.add(tensor.name);
    tensorDims(tensor);
    b.initializers.set(tensor.name, tensor);
  }
  for (const { name, type } of [...graph.valueInfo, ...graph.output]) {
    const found = valueType(type, name);
    if (found !== undefined && !b.initializers.has(name)) b.declare(name, retype(name, found));
  }
  const inputs = new Set<string>();
  for (const { name, type } of graph.input) {
    if (inputs.has(name)) throw new OnnxError(`Cannot read the graph: input "${name}" twice`);
    inputs.add(name);
    const found = valueType(type, name);
    if (found !== undefined && !b.initializers.has(name)) b.declare(name, retype(name, found));
  }
  for (const node of sorted) addNode(b, node, versions.get(node)!, parts);
  for (const { name } of graph.output) {
    if (b.producer(name) === undefined && !inputs.has(name) && !b.initializers.has(name)) {
      throw new OnnxError(`Cannot read the graph: nothing makes its output "${name}"`);
    }
  }
  return {
    b,
    model,
    inputs: graph.input.filter((i) => !b.initializers.has(i.name)),
    outputs: graph.output,
    initializers: graph.initializer.map((t) => t.name),
    // Of the nodes as they were: rewriting may leave a constant without a use.
    constants: new Set(
      sorted.flatMap((node) =>
        (lookup(node.opType, node.domain)?.constants ?? []).flatMap((k) => node.input[k] ?? [])
      ),
    ),
  };
}

function requireUnderstood(opset: number): void {
  if (!(opset >= OLDEST_OPSET && opset <= NEWEST_OPSET)) {
    throw new OnnxError(
      `Cannot read the model: operator set ${opset}; those from 1 to ${NEWEST_OPSET} are understood`,
    );
  }
}

/** Adds a node of any operator set that is read, in the builder's. */
export function addNode(
  b: Builder,
  node: NodeProto,
  opset: number,
  parts: Pick<LoadParts, "lookup" | "addKnownBranch">,
): void {
  if (node.opType === "Constant" && node.domain === "") {
    if (addConstant(b, node)) return;
  }
  if (node.opType === "If" && node.domain === "") {
    if (parts.addKnownBranch(b, node, (inner) => addNode(b, inner, opset, parts))) return;
  }
  const rule = ruleOf(parts.lookup, node);
  try {
    if (rule?.upgrade?.(nodeContext(node, b, opset)) === true) return;
    b.append(node);
  } catch (cause) {
    if (cause instanceof OnnxError) throw cause;
    throw new OnnxError(
      `Cannot read ${node.opType} "${nameOf(node)}": ${(cause as Error).message}`,
      { node: nameOf(node), cause },
    );
  }
}

/** A Constant node as an initializer, so that its contents are known. */
function addConstant(b: Builder, node: NodeProto): boolean {
  const [output] = node.output;
  if (output === undefined) return false;
  const tensor = tensorAttribute(node, "value");
  if (tensor !== undefined) {
    b.initializers.set(output, { ...tensor, name: output });
    return true;
  }
  const attribute = node.attribute[0];
  const add = (values: readonly number[], type: DataType, dims: readonly number[]) => {
    b.alias(b.constant(values, type, dims), output);
    return true;
  };
  switch (attribute?.name) {
    case "value_int":
      return add([Number(attribute.i ?? 0n)], DataType.INT64, []);
    case "value_float":
      return add([attribute.f ?? 0], DataType.FLOAT, []);
    case "value_ints": {
      const values = intsAttribute(node, "value_ints", []);
      return add(values, DataType.INT64, [values.length]);
    }
    case "value_floats": {
      const values = floatsAttribute(node, "value_floats", []);
      return add(values, DataType.FLOAT, [values.length]);
    }
    default:
      return false;
  }
}
