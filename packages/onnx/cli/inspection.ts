/** @module */
import { missingRules } from "../differentiate/path.ts";
import { usualTrainable } from "../differentiate/usual_trainable.ts";
import { inlineFunctions } from "../graph/inline_functions.ts";
import { loadGraph } from "../graph/load_graph.ts";
import { type LoadedGraph, opsetOf, valueType } from "../graph/load_graph_with.ts";
import { prepared } from "../graph/prepared.ts";
import { ACCUMULATOR, MICROSOFT } from "../artifacts/contract.ts";
import { exportNotes } from "../exported/export_notes.ts";
import { exportedParameters } from "../exported/exported_parameters.ts";
import { legalize } from "../legalize/legalize.ts";
import type { Target } from "../legalize/target.ts";
import { nameOf } from "../model/attributes.ts";
import { bytesPerElement, dataTypeName } from "../model/data_type.ts";
import { OnnxError } from "../model/onnx_error.ts";
import { tensorDims, tensorSize } from "../model/tensor.ts";
import type { ModelProto, TensorProto, ValueInfoProto } from "../proto/onnx_pb.ts";
import { ruleFor } from "../rules/mod.ts";
import { runsOnWebgl, runsOnWebgpu } from "./operator_targets.ts";

/** A value that is fed, or comes out. */
export interface ValueReport {
  readonly name: string;
  readonly type: string;
  readonly shape: readonly (number | string)[] | null;
}

/** An initializer. */
export interface ParameterReport extends ValueReport {
  readonly bytes: number;
  readonly trainable: boolean;
  /** Where PyTorch's exporter noted it: the module's parameters that it holds, or the buffer. */
  readonly of: readonly string[];
}

/** All nodes of one operator. */
export interface OperatorReport {
  readonly operator: string;
  readonly count: number;
  /** Whether it is differentiated, or needs no derivative. */
  readonly firstOrder: boolean;
  /** Whether its usual forms can be written for the provider. */
  readonly webgpu: boolean;
  readonly webgl: boolean;
}

/** Whether the whole forward pass can be written for a provider. */
export interface TargetReport {
  /** Undefined where the weights, which are not there, would tell. */
  readonly runs?: boolean;
  readonly why?: string;
}

/** What `inspect` tells of a model. */
export interface Inspection {
  readonly irVersion: number;
  readonly opsets: Readonly<Record<string, number>>;
  readonly producer: string;
  readonly inputs: readonly ValueReport[];
  readonly outputs: readonly ValueReport[];
  readonly parameters: readonly ParameterReport[];
  readonly operators: readonly OperatorReport[];
  /** Nodes without a rule on a path from a trainable parameter to an output. */
  readonly missing: readonly { readonly operator: string; readonly node: string }[];
  /** Parameters of the PyTorch module that the file holds otherwise, and what is not there. */
  readonly notes: readonly string[];
  /** Whether it is the training model of artifacts, whose parameters are inputs. */
  readonly trainingModel: boolean;
  readonly targets: Readonly<Record<"webgpu" | "webgl", TargetReport>>;
  readonly totals: {
    readonly nodes: number;
    readonly parameters: number;
    readonly parameterBytes: number;
    readonly trainable: number;
    readonly trainableBytes: number;
  };
}

/** Options of {@linkcode inspectModel}. */
export interface InspectOptions {
  readonly sizes?: Readonly<Record<string, number>>;
  /** Default: what `differentiate()` takes for parameters. */
  readonly trainable?: readonly string[] | undefined;
  /** Data files that are not there. Default none. */
  readonly missing?: readonly string[] | undefined;
}

/**
 * Looks at a model. Sizes that are open and not in `sizes` count as 1 for WebGL, which needs all.
 *
 * @throws {OnnxError} For a graph that cannot be read.
 */
export function inspectModel(
  model: ModelProto,
  { sizes = {}, trainable, missing = [] }: InspectOptions = {},
): Inspection {
  const graph = prepared(model).graph!;
  const loaded = loadGraph(model, ruleFor);
  const trainingModel = graph.node.some(({ opType, domain }) =>
    opType === ACCUMULATOR && domain === MICROSOFT
  );
  // Its initializers are seeds and numbers of formulas; its parameters are inputs.
  const usual = () => trainingModel ? [] : usualTrainable(loaded).parameters;
  const trained = new Set(trainable ?? usual());
  const exported = exportedParameters(model);
  const heldIn = (name: string) =>
    exported?.parameters.filter((p) => p.in.includes(name)).map((p) => p.name) ?? [];
  const stored = new Set(graph.initializer.map((t) => t.name));
  const parameters = graph.initializer.map((t): ParameterReport => ({
    name: t.name,
    type: dataTypeName(t.dataType),
    shape: tensorDims(t),
    bytes: bytesOf(t),
    trainable: trained.has(t.name),
    of: exported?.buffers.includes(t.name) === true ? [t.name] : heldIn(t.name),
  }));
  const learned = parameters.filter((p) => p.trainable);
  const count = (list: readonly ParameterReport[]) =>
    list.reduce((sum, p) => sum + (p.shape as number[]).reduce((a, d) => a * d, 1), 0);
  const size = (list: readonly ParameterReport[]) => list.reduce((sum, p) => sum + p.bytes, 0);
  return {
    irVersion: Number(model.irVersion),
    opsets: Object.fromEntries(
      model.opsetImport.map((o) => [o.domain === "" ? "ai.onnx" : o.domain, Number(o.version)]),
    ),
    producer: `${model.producerName} ${model.producerVersion}`.trim(),
    inputs: graph.input.filter((i) => !stored.has(i.name)).map(valueReport),
    outputs: graph.output.map((o) => outputReport(loaded, o)),
    parameters,
    operators: operatorsOf(model),
    missing: missingOf(loaded, [...trained]),
    notes: [
      ...missing.map((file) =>
        `Its data file "${file}" is not there: the weights' values are unknown`
      ),
      ...exportNotes(exported),
    ],
    trainingModel,
    targets: {
      webgpu: targetReport(model, "webgpu", sizes, missing),
      webgl: targetReport(model, "webgl", { ...openSizes(graph.input), ...sizes }, missing),
    },
    totals: {
      nodes: graph.node.length,
      parameters: count(parameters),
      parameterBytes: size(parameters),
      trainable: count(learned),
      trainableBytes: size(learned),
    },
  };
}

function valueReport({ name, type }: ValueInfoProto): ValueReport {
  const found = valueType(type, name);
  return {
    name,
    type: found === undefined ? "unknown" : dataTypeName(found.dataType),
    shape: found?.dims ?? null,
  };
}

/** With what inference knows. */
function outputReport({ b }: LoadedGraph, value: ValueInfoProto): ValueReport {
  const declared = valueReport(value);
  const found = b.type(value.name);
  if (found === undefined) return declared;
  return {
    name: value.name,
    type: dataTypeName(found.dataType),
    shape: found.dims ?? declared.shape,
  };
}

function bytesOf(tensor: TensorProto): number {
  const width = bytesPerElement(tensor.dataType);
  if (width !== undefined) return tensorSize(tensor) * width;
  return tensor.rawData?.length ?? tensor.stringData.reduce((sum, s) => sum + s.length, 0);
}

/** Name of an operator, with its domain unless that is the default. */
const fullName = (domain: string, opType: string) =>
  domain === "" || domain === "ai.onnx" ? opType : `${domain}.${opType}`;

function operatorsOf(model: ModelProto): OperatorReport[] {
  const counts = new Map<string, OperatorReport>();
  // A call of the model's own function counts as what is in it.
  for (const { node } of inlineFunctions(model.graph!.node, model, opsetOf(model))) {
    const operator = fullName(node.domain, node.opType);
    const rule = ruleFor(node.opType, node.domain);
    const constant = operator === "Constant";
    counts.set(operator, {
      operator,
      count: (counts.get(operator)?.count ?? 0) + 1,
      firstOrder: constant || (rule !== undefined &&
        (rule.gradient !== undefined || rule.expand !== undefined || rule.upgrade !== undefined)),
      webgpu: constant || runsOnWebgpu.has(operator),
      webgl: constant || runsOnWebgl.has(operator),
    });
  }
  return [...counts.values()].sort((a, b) => b.count - a.count);
}

function missingOf({ b, outputs }: LoadedGraph, trained: readonly string[]) {
  return missingRules(b, ruleFor, outputs.map((o) => o.name), trained)
    .map((node) => ({ operator: fullName(node.domain, node.opType), node: nameOf(node) }));
}

function openSizes(inputs: readonly ValueInfoProto[]): Record<string, number> {
  const symbols = inputs.flatMap(({ name, type }) => valueType(type, name)?.dims ?? [])
    .filter((d) => typeof d === "string");
  return Object.fromEntries(symbols.map((name) => [name, 1]));
}

function targetReport(
  model: ModelProto,
  target: Target,
  sizes: Readonly<Record<string, number>>,
  missing: readonly string[],
): TargetReport {
  // It folds weights.
  if (missing.length > 0) return { why: `not known without "${missing.join('", "')}"` };
  try {
    legalize(model, target, { sizes });
    return { runs: true };
  } catch (error) {
    if (!(error instanceof OnnxError)) throw error;
    return { runs: false, why: error.message };
  }
}
