/** @module */
import * as kinds from "@precond/core/kinds";
import type { Builder } from "../graph/builder.ts";
import { substitute } from "../graph/dims.ts";
import {
  type LoadedGraph,
  loadGraphWith,
  type LoadParts,
  preparedWith,
  valueType,
} from "../graph/load_graph_with.ts";
import { leavesLast, readsOf } from "../graph/topology.ts";
import { makeAttribute, nameOf } from "../model/attributes.ts";
import { type DataType, isFloating } from "../model/data_type.ts";
import { OnnxError } from "../model/onnx_error.ts";
import { declaration, valueInfo } from "../model/value_info.ts";
import { create } from "../proto/create.ts";
import { GraphProto, type ModelProto, NodeProto, type ValueInfoProto } from "../proto/onnx_pb.ts";
import type { ValueType } from "../graph/value_type.ts";
import { constantNode } from "../graph/constant_node.ts";
import { simplify } from "./fold.ts";
import type { Legality, MakeLegality, Target } from "./target.ts";

/** Options of `legalize()`. */
export interface LegalizeOptions {
  /** Numbers for symbolic dimensions, as `{ N: 64 }`; default none. WebGL needs all of them. */
  readonly sizes?: Readonly<Record<string, number>>;
  /**
   * Threads of the session, on the CPU: with more than one, transposed convolutions become
   * convolutions where these are faster then. Default 1.
   */
  readonly threads?: number;
}

/** A graph input that the target takes in another element type; its shape stays. */
export interface InputChange {
  readonly from: DataType;
  readonly to: DataType;
}

/** What `legalize()` returns. */
export interface Legalized {
  readonly model: ModelProto;
  /** Inputs that have to be fed in another element type: labels and other integers. */
  readonly inputs: ReadonlyMap<string, InputChange>;
}

/** What legalizes, at hand or to be loaded. */
export interface LegalizeParts extends LoadParts {
  readonly targets: Readonly<Record<Target, MakeLegality>>;
}

/** `legalize()`, from given parts; those that are not needed are not touched. */
export function legalizeWith(
  parts: LegalizeParts,
  given: ModelProto,
  target: Target,
  options: LegalizeOptions = {},
): Legalized {
  const { targets } = parts;
  const action = "legalize";
  kinds.checkValue(action, target, kinds.oneOf(...Object.keys(targets)), "target");
  kinds.checkOptions(action, options, { sizes: kinds.anything, threads: kinds.count });
  const sizes = checkedSizes(options.sizes ?? {});
  const { threads = 1 } = options;
  const model = preparedWith(parts, given);
  const legality = targets[target](model, { threads });
  const { rewrite, retype: narrow = (_: string, type: ValueType) => type } = legality;
  const graph = loadGraphWith(parts, model, {
    retype: (name, type) => narrow(name, withSizes(type, sizes)),
    ...(rewrite === undefined ? {} : { rewrite }),
  });
  const { b } = graph;
  const outputs = graph.outputs.map((o) => o.name);
  restoreOutputs(b, model);
  const nodes = simplify(b, b.nodes, {
    outputs,
    parameters: parametersOf(model),
    late: legality.keepsLate === true,
  });
  refuseIllegal(target, legality, b, nodes);
  const legal = assemble(model, graph, leavesLast(nodes));
  return {
    model: legality.finish?.(legal, b) ?? legal,
    inputs: changesOf(graph, b),
  };
}

function checkedSizes(sizes: Readonly<Record<string, number>>) {
  for (const [name, size] of Object.entries(sizes)) {
    if (!(Number.isSafeInteger(size) && size >= 0)) {
      throw new RangeError(
        `Cannot legalize: the size "${name}" must be a whole number, current value is ${size}`,
      );
    }
  }
  return new Map(Object.entries(sizes));
}

/** A type with numbers for its symbols. */
function withSizes(type: ValueType, sizes: ReadonlyMap<string, number>): ValueType {
  if (sizes.size === 0 || type.dims === undefined) return type;
  return { dataType: type.dataType, dims: type.dims.map((d) => substitute(d, sizes)) };
}

/** Initializers that may be fed; of a graph without such all floats, which may be trained. */
function parametersOf({ graph }: ModelProto): ReadonlySet<string> {
  const inputs = new Set(graph!.input.map((i) => i.name));
  const all = graph!.initializer;
  const fed = all.filter((t) => inputs.has(t.name));
  const kept = fed.length > 0 ? fed : all.filter((t) => isFloating(t.dataType));
  return new Set(kept.map((t) => t.name));
}

/** Gives outputs their declared element type again. */
function restoreOutputs(b: Builder, model: ModelProto): void {
  for (const { name, type } of model.graph!.output) {
    const declared = valueType(type, name)?.dataType;
    const found = b.type(name)?.dataType;
    const node = b.producer(name);
    if (declared === undefined || found === undefined || declared === found) continue;
    if (node === undefined) continue;
    const inner = b.fresh(`${name}_narrow`);
    const rename = (names: readonly string[]) => names.map((n) => n === name ? inner : n);
    b.nodes.forEach((each, k) => {
      if (![...each.input, ...each.output].includes(name)) return;
      b.nodes[k] = { ...each, input: rename(each.input), output: rename(each.output) };
    });
    b.declare(inner, b.type(name)!);
    b.nodes.push(create(NodeProto, {
      opType: "Cast",
      name: b.fresh(`${name}/Cast`),
      input: [inner],
      output: [name],
      attribute: [makeAttribute("to", declared)],
    }));
    b.declare(name, { ...b.type(name)!, dataType: declared });
  }
}

function refuseIllegal(
  target: Target,
  { refuses }: Legality,
  b: Builder,
  nodes: readonly NodeProto[],
): void {
  if (refuses === undefined) return;
  const found = nodes.flatMap((node) => {
    const why = refuses(node, { b, nodes });
    return why === undefined ? [] : [{ node, why }];
  });
  if (found.length === 0) return;
  const list = found.map(({ node, why }) => `${node.opType} "${nameOf(node)}" (${why})`);
  throw new OnnxError(
    `Cannot legalize for ${target}: ${found.length} ${
      found.length === 1 ? "node does" : "nodes do"
    } not run there: ${list.join(", ")}`,
    { node: nameOf(found[0]!.node) },
  );
}

/** Inputs whose element type is not the declared one. */
function changesOf({ inputs }: LoadedGraph, b: Builder): Map<string, InputChange> {
  return new Map(inputs.flatMap(({ name, type }): [string, InputChange][] => {
    const from = valueType(type, name)?.dataType;
    const to = b.type(name)?.dataType;
    return from === undefined || to === undefined || from === to ? [] : [[name, { from, to }]];
  }));
}

/** The model of rewritten nodes, with the inputs, outputs and parameters of the old one. */
function assemble(model: ModelProto, { b }: LoadedGraph, nodes: readonly NodeProto[]): ModelProto {
  const graph = model.graph!;
  const own = new Set(graph.initializer.map((t) => t.name));
  const used = new Set([...nodes.flatMap((n) => readsOf(n)), ...graph.output.map((o) => o.name)]);
  const tensors = [...b.initializers.values()];
  const constants = tensors
    .filter((t) => used.has(t.name) && !own.has(t.name) && isFloating(t.dataType))
    .map(constantNode);
  const stored = tensors.filter((t) =>
    own.has(t.name) ? true : used.has(t.name) && !isFloating(t.dataType)
  );
  const domains = new Set(nodes.map((node) => node.domain));
  const contributed = "com.microsoft";
  const imported = model.opsetImport.some(({ domain }) => domain === contributed);
  const inputs = graph.input.map((input) => redeclared(b, input));
  const given = new Set(graph.input.map((i) => i.name));
  const requested = [...b.requested.keys()].filter((name) => !given.has(name));
  return {
    ...model,
    irVersion: model.irVersion < 8n ? 8n : model.irVersion,
    functions: [],
    opsetImport: [
      { domain: "", version: BigInt(b.opset) },
      ...model.opsetImport.filter((o) =>
        o.domain !== "" && o.domain !== "ai.onnx" && domains.has(o.domain)
      ),
      ...(domains.has(contributed) && !imported ? [{ domain: contributed, version: 1n }] : []),
    ],
    producerName: "precond",
    graph: create(GraphProto, {
      name: graph.name,
      docString: graph.docString,
      node: [...constants, ...nodes],
      initializer: stored.filter((t) => used.has(t.name) || given.has(t.name)),
      input: [...inputs, ...requested.map((name) => valueInfo(b, name))],
      output: graph.output.map((o) => redeclared(b, o)),
      metadataProps: graph.metadataProps,
    }),
  };
}

/** A declaration with what is known now; as it was where that is nothing. */
function redeclared(b: Builder, value: ValueInfoProto): ValueInfoProto {
  const type = b.type(value.name);
  return type === undefined ? value : declaration(value.name, type.dataType, type.dims);
}
