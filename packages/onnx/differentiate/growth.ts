/** @module */
import * as kinds from "@precond/core/kinds";
import type { Builder } from "../graph/builder.ts";
import { type LoadedGraph, loadGraphWith } from "../graph/load_graph_with.ts";
import { liveNodes, readsOf, sortInPlace } from "../graph/topology.ts";
import { dataTypeName, isFloating } from "../model/data_type.ts";
import { OnnxError } from "../model/onnx_error.ts";
import { valueInfo } from "../model/value_info.ts";
import { create } from "../proto/create.ts";
import {
  GraphProto,
  type ModelProto,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from "../proto/onnx_pb.ts";
import { type ClassLabels, classLabels } from "./class_labels.ts";
import { CHEAP } from "../graph/cheap_operators.ts";
import type { Recompute } from "./checkpoints.ts";
import type { GraphParts } from "./graph_parts.ts";
import type { Loss } from "./loss.ts";
import { reluLast } from "./relu_last.ts";
import { cotangentsOf } from "./reverse.ts";
import { countRows, type RowsOf } from "./rows.ts";
import { chooseTrainable, type Trainable } from "./trainable.ts";

/** Options of {@linkcode differentiate}. */
export interface DifferentiateOptions {
  /** A loss on an output of the model; its labels become a graph input. Default none: give `output`. */
  readonly loss?: Loss;
  /** Instead of a loss: the name of a scalar value of the graph. Default none: give `loss`. */
  readonly output?: string;
  /**
   * Initializers (or inputs) to differentiate by. Default: every float initializer of rank 1 or more
   * that is not a constant of its operator (running statistics, bounds, exponents); those of rank 0
   * are the numbers of formulas (1/√2 of a GELU, an epsilon), but may be named.
   */
  readonly trainable?: Trainable;
  /** Other values whose gradient is wanted: inputs, activations. Default none. */
  readonly wanted?: readonly string[];
  /**
   * Values that are taken for constants: no gradient goes through them (stop_gradient); default none. Needed where
   * floats become integers and floats again on the way to a parameter, which is refused otherwise.
   */
  readonly stopped?: readonly string[];
  /** Outputs kept besides the loss. Default: all of the model's. */
  readonly outputs?: readonly string[];
  /**
   * Whether parameters (and running statistics) become graph inputs without an initializer, to be fed
   * in every run ("inputs", default), or stay what they are in the file ("constants"). There is
   * nothing in between: builds of ONNX Runtime for JavaScript do not take feeds for inputs that have
   * an initializer, onnxruntime-node silently.
   */
  readonly parameters?: "inputs" | "constants";
  /** Initializers besides the parameters that become inputs: frozen parameters. Default none. */
  readonly fed?: readonly string[];
  /**
   * Whether Dropout and BatchNormalization work as in training. Default: as each node says (which
   * exporters usually set to inference). True: Dropout draws its masks from the graph input
   * "dropout_seed" (a float scalar, an integer from 0 to 2²⁴ − 1), BatchNormalization normalizes by
   * the batch, and its updated running statistics are outputs. False: neither.
   */
  readonly training?: boolean;
  /**
   * What the backward pass computes again, for less memory: see {@linkcode Recompute}. Default: what
   * costs little, results of GELU and layer normalizations, weights of attention, joined heads.
   */
  readonly recompute?: Recompute;
}

const known: kinds.Kinds<DifferentiateOptions> = {
  loss: kinds.anything,
  output: kinds.anyText,
  trainable: kinds.anything,
  wanted: kinds.names,
  stopped: kinds.names,
  outputs: kinds.names,
  parameters: kinds.oneOf("inputs", "constants"),
  fed: kinds.names,
  training: kinds.flag,
  recompute: kinds.anything,
};

/**
 * Refuses options that there are not.
 *
 * @param further Kinds of those that a result beside the gradient has.
 */
export function checkGrowthOptions(
  options: DifferentiateOptions,
  further: Readonly<Record<string, kinds.Kind>> = {},
): void {
  kinds.checkOptions("differentiate", options ?? null, { ...known, ...further });
}

/** What {@linkcode differentiate} returns. */
export interface Differentiated {
  /**
   * The graph: outputs are the loss, the kept outputs, then `<p>_grad` for each parameter and wanted
   * value, then further results. Parameters are graph inputs.
   */
  readonly model: ModelProto;
  /** Name of the loss. */
  readonly loss: string;
  /** Trainable parameters, in the order of the file. */
  readonly parameters: readonly string[];
  /** For each parameter and wanted value the name of its gradient. */
  readonly gradients: ReadonlyMap<string, string>;
  /**
   * For each running statistic of a BatchNormalization in training mode the name of the output with
   * its new value, `<statistic>_updated`: feed it back in the next step.
   */
  readonly statistics: ReadonlyMap<string, string>;
  /** Initial values of the initializers that became inputs. */
  readonly values: ReadonlyMap<string, TensorProto>;
  /** What inputs with class indices may hold, where the number of classes is known. */
  readonly labels: ReadonlyMap<string, ClassLabels>;
  /** Rows of data that each parameter is multiplied with. */
  readonly rowsOf: RowsOf;
}

/** A model with its gradient, to which further results can be appended. */
export interface Growth {
  readonly source: ModelProto;
  readonly graph: LoadedGraph;
  readonly b: Builder;
  readonly parts: GraphParts;
  readonly options: DifferentiateOptions;
  /** Nodes up to the loss. */
  readonly forward: readonly NodeProto[];
  readonly loss: string;
  readonly parameters: readonly string[];
  /** The cotangent of every value on a path to a parameter. */
  readonly cotangents: ReadonlyMap<string, string>;
  readonly gradients: ReadonlyMap<string, string>;
  /** Inputs besides the model's own. */
  readonly added: ValueInfoProto[];
}

/** Loads a model and appends loss and gradient. */
export function beginGrowth(
  model: ModelProto,
  options: DifferentiateOptions,
  parts: GraphParts,
): Growth {
  const { lookup } = parts;
  if (options.recompute !== undefined) parts.checkRecompute(options.recompute);
  const kept = [
    ...(options.outputs ?? model.graph?.output.map((o) => o.name) ?? []),
    ...(options.wanted ?? []),
  ];
  const graph = loadGraphWith(parts, model, {
    training: options.training,
    rewrite: reluLast(model, kept),
  });
  const { b } = graph;
  const added: ValueInfoProto[] = [];
  const loss = lossOf(graph, options, added, parts);
  const parameters = chooseTrainable(graph, options.trainable, parts);
  const wanted = [...parameters, ...(options.wanted ?? []).filter((n) => !parameters.includes(n))];
  for (const name of wanted) requireFloat(b, name);
  if (b.nodes.some(({ opType }) => opType === "Erf")) {
    parts.recognizeGelus(b, new Set([...kept, ...wanted, ...(options.fed ?? []), loss]));
  }
  const forward = [...b.nodes];
  // A loss of one element may have axes, which its cotangent then has too.
  const one = () => b.constant([1], b.dataType(loss), (b.type(loss)?.dims ?? []).map(() => 1));
  for (const name of options.stopped ?? []) {
    if (b.producer(name) === undefined) {
      throw new OnnxError(`Cannot stop gradients at "${name}": no node makes such a value`);
    }
  }
  const cotangents = cotangentsOf(b, lookup, new Map([[loss, one]]), wanted, options.stopped);
  const gradients = nameResults(
    b,
    new Map(wanted.map((name) => [name, cotangents.get(name)])),
    "_grad",
  );
  return {
    source: model,
    graph,
    b,
    parts,
    options,
    forward,
    loss,
    parameters,
    cotangents,
    gradients,
    added,
  };
}

/** The grown model: loss, kept outputs, gradients, then the further results. */
export function endGrowth(growth: Growth, further: readonly string[] = []): Differentiated {
  const { source, graph, b, parts, options, forward, loss, parameters, gradients, added } = growth;
  const kept = keptOutputs(graph, options);
  const outputs = [
    loss,
    ...kept.filter((name) => name !== loss),
    ...gradients.values(),
    ...further,
    ...b.statistics.values(),
  ];
  const fed = fedBy(options, [...parameters, ...b.statistics.keys()]);
  const given = new Set(graph.inputs.map(({ name }) => name));
  if (mayComputeAgain(options, forward)) {
    const isGiven = (name: string) => b.producer(name) === undefined && !given.has(name);
    parts.computeChosenAgain(growth, options.recompute, isGiven);
  }
  sortInPlace(b.nodes);
  if (b.nodes.some(({ opType }) => opType === "Gelu")) parts.writeGelus(b);
  return {
    model: assemble(source, graph, { added, outputs, fed }),
    loss,
    parameters,
    gradients,
    statistics: b.statistics,
    values: valuesOf(graph, fed),
    labels: classLabels(b, [...graph.inputs, ...added]),
    rowsOf: countRows(b, growth.forward, parameters),
  };
}

/**
 * Names of the outputs that are kept besides the loss.
 *
 * @throws {OnnxError} For one that the graph does not make.
 */
export function keptOutputs(
  { b, inputs, outputs }: LoadedGraph,
  options: DifferentiateOptions,
): readonly string[] {
  const kept = options.outputs ?? outputs.map((o) => o.name);
  for (const name of kept) {
    // A model may give back what it is fed, and what it stores.
    const isThere = b.producer(name) !== undefined || b.initializers.has(name) ||
      inputs.some((input) => input.name === name);
    if (!isThere) {
      throw new OnnxError(`Cannot keep output "${name}": the graph does not make it`);
    }
  }
  return kept;
}

/** Softmax may be that of attention. */
const mayComputeAgain = ({ recompute }: DifferentiateOptions, forward: readonly NodeProto[]) =>
  recompute === undefined
    ? forward.some(({ opType }) => CHEAP.has(opType) || opType === "Softmax")
    : recompute !== false;

/** Names of what becomes an input. */
export function fedBy(options: DifferentiateOptions, names: readonly string[]): string[] {
  const own = (options.parameters ?? "inputs") === "inputs" ? names : [];
  return [...new Set([...own, ...(options.fed ?? [])])];
}

/** Initial values of what becomes an input. */
export function valuesOf(
  { b }: LoadedGraph,
  names: readonly string[],
): ReadonlyMap<string, TensorProto> {
  return new Map(names.flatMap((name) => {
    const tensor = b.initializers.get(name);
    return tensor === undefined ? [] : [[name, tensor] as const];
  }));
}

/** Name of the loss, appended if asked for. */
export function lossOf(
  graph: LoadedGraph,
  { loss, output }: DifferentiateOptions,
  added: ValueInfoProto[],
  parts: Pick<GraphParts, "appendLoss">,
): string {
  if ((loss === undefined) === (output === undefined)) {
    throw new TypeError("Cannot differentiate: give either a loss or the name of a scalar output");
  }
  if (loss !== undefined) return parts.appendLoss(graph, loss, added);
  const { b } = graph;
  if (b.producer(output!) === undefined) {
    throw new OnnxError(`Cannot differentiate "${output}": the graph does not make it`);
  }
  const dims = b.type(output!)?.dims;
  if (dims !== undefined && dims.some((d) => d !== 1)) {
    throw new OnnxError(
      `Cannot differentiate "${output}": expected a scalar, actual shape is [${dims}]`,
    );
  }
  return output!;
}

function requireFloat(b: Builder, name: string): void {
  const type = b.type(name);
  if (type === undefined && b.producer(name) === undefined) {
    throw new OnnxError(`Cannot differentiate by "${name}": the graph has no such value`);
  }
  if (type !== undefined && !isFloating(type.dataType)) {
    throw new OnnxError(
      `Cannot differentiate by "${name}": expected a float type, actual is ${
        dataTypeName(type.dataType)
      }`,
    );
  }
}

/** Gives every result the name `<p><suffix>`; zeros where the loss does not depend on p. */
export function nameResults(
  b: Builder,
  found: ReadonlyMap<string, string | undefined>,
  suffix: string,
): Map<string, string> {
  const result = new Map<string, string>();
  for (const [name, value] of found) {
    const to = b.fresh(`${name}${suffix}`);
    if (value !== undefined) {
      b.alias(value, to);
    } else {
      const zero = b.scalar(0, name);
      b.node("Expand", [zero, b.op("Shape", [name])], {}, { outputs: [to] });
    }
    result.set(name, to);
  }
  return result;
}

/** What {@linkcode assemble} puts around the nodes. */
export interface Assembly {
  /** Inputs besides the model's own. */
  readonly added: readonly ValueInfoProto[];
  readonly outputs: readonly string[];
  /** Initializers that become inputs. */
  readonly fed: readonly string[];
}

/** The model of a grown graph: only nodes that an output needs. */
export function assemble(model: ModelProto, graph: LoadedGraph, parts: Assembly): ModelProto {
  const { b, inputs } = graph;
  const nodes = liveNodes(b.nodes, parts.outputs);
  const read = new Set(nodes.flatMap((node) => readsOf(node)));
  const outputs = new Set(parts.outputs);
  const used = (name: string) => read.has(name) || outputs.has(name);
  const opsets = model.opsetImport.filter((o) => o.domain !== "" && o.domain !== "ai.onnx");
  const domains = new Set(nodes.map((node) => node.domain));
  const fed = new Set(parts.fed.filter((name) => b.initializers.has(name)));
  return {
    ...model,
    // IR 8 is the first with operator set 15 and newer; functions were inlined.
    irVersion: model.irVersion < 8n ? 8n : model.irVersion,
    functions: [],
    opsetImport: [
      { domain: "", version: BigInt(b.opset) },
      ...opsets.filter((o) => domains.has(o.domain)),
    ],
    producerName: "precond",
    graph: create(GraphProto, {
      name: model.graph!.name,
      docString: model.graph!.docString,
      node: nodes,
      initializer: [...b.initializers]
        .filter(([name]) => used(name) && !fed.has(name))
        .map(([, tensor]) => tensor),
      input: [
        ...inputs,
        ...[...b.requested.keys()].filter(used).map((name) => valueInfo(b, name)),
        ...parts.added,
        ...[...fed].map((name) => valueInfo(b, name)),
      ],
      output: parts.outputs.map((name) => valueInfo(b, name)),
      metadataProps: model.graph!.metadataProps,
    }),
  };
}
