/** @module */
import * as kinds from "@precond/core/kinds";
import { allParts } from "../differentiate/all_parts.ts";
import { differentiate } from "../differentiate/differentiate.ts";
import {
  assemble,
  type Differentiated,
  type DifferentiateOptions,
  lossOf,
} from "../differentiate/growth.ts";
import type { Loss } from "../differentiate/loss.ts";
import { loadGraph } from "../graph/load_graph.ts";
import { opsetOf } from "../graph/load_graph_with.ts";
import { DataType, dataTypeName } from "../model/data_type.ts";
import { prepared } from "../graph/prepared.ts";
import { OnnxError } from "../model/onnx_error.ts";
import { writeModel } from "../model/read_model.ts";
import { declaration } from "../model/value_info.ts";
import { create } from "../proto/create.ts";
import {
  type ModelProto,
  NodeProto,
  OperatorSetIdProto,
  type TensorProto,
  type ValueInfoProto,
} from "../proto/onnx_pb.ts";
import { ruleFor } from "../rules/mod.ts";
import { ACCUMULATOR, bufferOf, doneOf, gradientOf, MICROSOFT, RESET } from "./contract.ts";
import { ADAMW, makeOptimizerModel, type OptimizerHyperparameters } from "./optimizer_model.ts";
import { writeCheckpoint } from "./write_checkpoint.ts";

/** Options of {@linkcode generateArtifacts}. */
export interface GenerateArtifactsOptions {
  /** A loss on an output of the model; its labels become an input. Default none: give `output`. */
  readonly loss?: Loss;
  /** Instead of a loss: the name of a scalar value of the graph. Default none: give `loss`. */
  readonly output?: string;
  /** Parameters to train. Default: as in `differentiate()`. */
  readonly trainable?: DifferentiateOptions["trainable"];
  /** Parameters that go to the checkpoint but are not trained. Default: none. */
  readonly frozen?: readonly string[];
  /** Default: AdamW as ONNX Runtime's generator writes it. */
  readonly optimizer?: "adamw" | "sgd" | OptimizerHyperparameters;
  /** Outputs of training and evaluation besides the loss. Default: none. */
  readonly extraOutputs?: readonly string[];
  /**
   * Whether Dropout and BatchNormalization work as in training, in the training model. Default: as
   * each node says. Dropout's masks then come from the input "dropout_seed", to be fed at each step;
   * running statistics stay as they are, ONNX Runtime's training has no place for new ones.
   */
  readonly training?: boolean;
}

const OPTIMIZERS = ["adamw", "sgd"];
const typeOf = (value: unknown) =>
  typeof value === "object" ? (value as OptimizerHyperparameters | null)?.type : value;
const optimizerKind: kinds.Kind = {
  ...kinds.oneOf(...OPTIMIZERS),
  must: 'be "adamw", "sgd" or their hyperparameters',
  type: (value) => typeof value === "string" || OPTIMIZERS.includes(typeOf(value) as string),
  range: (value: unknown) => OPTIMIZERS.includes(typeOf(value) as string),
};
const known: kinds.Kinds<GenerateArtifactsOptions> = {
  // As differentiate() checks them.
  loss: kinds.anything,
  output: kinds.anything,
  trainable: kinds.anything,
  training: kinds.anything,
  frozen: kinds.names,
  optimizer: optimizerKind,
  extraOutputs: kinds.names,
};

/** The four files that ONNX Runtime's training builds take. */
export interface GeneratedArtifacts {
  /** training_model.onnx */
  readonly training: Uint8Array;
  /** eval_model.onnx */
  readonly eval: Uint8Array;
  /** optimizer_model.onnx */
  readonly optimizer: Uint8Array;
  /** checkpoint */
  readonly checkpoint: Uint8Array;
}

/** Newest operator set and IR version of ONNX Runtime 1.19.2, the last with training. */
const NEWEST_OPSET = 21;
const NEWEST_IR = 10n;

/**
 * Training artifacts by the contract of ONNX Runtime's generator, without Python: its training
 * builds (1.17 to 1.19.2 in JavaScript) train with them. The gradient is made of standard operators;
 * only accumulators and optimizers are ONNX Runtime's own.
 *
 * @throws {OnnxError} As `differentiate()` does, and for parameters that are not float32.
 *
 * @example
 * ```ts
 * import { generateArtifacts, readModel } from "@precond/onnx";
 *
 * const artifactsOf = (bytes: Uint8Array) =>
 *   generateArtifacts(readModel(bytes), { loss: { type: "crossEntropy" }, optimizer: "adamw" });
 * ```
 */
export function generateArtifacts(
  given: ModelProto,
  options: GenerateArtifactsOptions,
): GeneratedArtifacts {
  kinds.checkOptions("generate artifacts", options ?? null, known);
  const { frozen = [], extraOutputs = [], optimizer = "adamw" } = options;
  const model = prepared(given);
  const target: DifferentiateOptions = {
    ...(options.loss === undefined ? {} : { loss: options.loss }),
    ...(options.output === undefined ? {} : { output: options.output }),
    ...(options.trainable === undefined ? {} : { trainable: options.trainable }),
    ...(options.training === undefined ? {} : { training: options.training }),
    outputs: extraOutputs,
    parameters: "constants",
  };
  const grown = differentiate(model, target);
  const { loss, parameters: trainable } = grown;
  const tensors = parametersOf(model, trainable, frozen);

  const training = asInputs(grown.model, tensors);
  appendAccumulators(training, grown, extraOutputs);

  const forward = loadGraph(model, ruleFor, { training: false });
  const added: ValueInfoProto[] = [];
  const outputs = [
    lossOf(forward, target, added, allParts),
    ...extraOutputs.filter((name) => name !== loss),
  ];
  const evaluation = asInputs(
    assemble(model, forward, { added, outputs, fed: [] }),
    tensors,
  );
  const hyperparameters = typeof optimizer === "object"
    ? optimizer
    : optimizer === "adamw"
    ? ADAMW
    : { type: "sgd" as const };
  return {
    training: writeModel(training),
    eval: writeModel(evaluation),
    optimizer: writeModel(makeOptimizerModel(hyperparameters, opsetOf(training))),
    checkpoint: writeCheckpoint({
      parameters: trainable.map((name) => tensors.get(name)!),
      frozen: frozen.map((name) => tensors.get(name)!),
    }),
  };
}

/** The tensors of the parameters, trainable first. */
function parametersOf(
  model: ModelProto,
  trainable: readonly string[],
  frozen: readonly string[],
): Map<string, TensorProto> {
  const initializers = new Map(model.graph!.initializer.map((t) => [t.name, t]));
  const found = new Map<string, TensorProto>();
  for (const name of [...trainable, ...frozen]) {
    const tensor = initializers.get(name);
    const refuse = (why: string): never => {
      throw new OnnxError(`Cannot generate artifacts with parameter "${name}": ${why}`);
    };
    if (tensor === undefined) return refuse("the model has no initializer of that name");
    if (found.has(name)) refuse("it is given twice");
    if (tensor.dataType !== DataType.FLOAT && trainable.includes(name)) {
      refuse(
        `expected FLOAT, which the optimizer takes, actual is ${dataTypeName(tensor.dataType)}`,
      );
    }
    found.set(name, tensor);
  }
  return found;
}

/** The same graph with its parameters as inputs without a value. */
function asInputs(model: ModelProto, parameters: ReadonlyMap<string, TensorProto>): ModelProto {
  const opset = opsetOf(model);
  if (opset > NEWEST_OPSET) {
    throw new OnnxError(
      `Cannot generate artifacts for operator set ${opset}: ONNX Runtime's last training build ` +
        `knows ${NEWEST_OPSET} at most`,
    );
  }
  const graph = model.graph!;
  const stored = new Set(graph.initializer.map((t) => t.name));
  return {
    ...model,
    irVersion: model.irVersion > NEWEST_IR ? NEWEST_IR : model.irVersion,
    graph: {
      ...graph,
      input: [
        // Nor those with a default: every input of a training model is fed.
        ...graph.input.filter((i) => !parameters.has(i.name) && !stored.has(i.name)),
        ...[...parameters].map(([name, t]) => declaration(name, t.dataType, t.dims.map(Number))),
      ],
      initializer: graph.initializer.filter((t) => !parameters.has(t.name)),
    },
  };
}

/** One accumulator, buffer and output for each gradient, and the input that resets them all. */
function appendAccumulators(
  model: ModelProto,
  { parameters, gradients, loss }: Differentiated,
  extraOutputs: readonly string[],
): void {
  const graph = model.graph!;
  model.opsetImport = [
    ...model.opsetImport.filter((o) => o.domain !== MICROSOFT),
    create(OperatorSetIdProto, { domain: MICROSOFT, version: 1n }),
  ];
  const declared = new Map(graph.input.map((i) => [i.name, i]));
  const kept = new Set([loss, ...extraOutputs]);
  graph.output = graph.output.filter((o) => kept.has(o.name));
  for (const name of parameters) {
    const { type } = declared.get(name)!;
    if (gradients.get(name) !== gradientOf(name)) {
      throw new OnnxError(
        `Cannot generate artifacts: the model already has a value "${gradientOf(name)}"`,
      );
    }
    graph.input.push({ ...declaration(bufferOf(name), DataType.FLOAT, undefined), type: type! });
    graph.output.push(declaration(doneOf(name), DataType.BOOL, [1]));
    graph.node.push(create(NodeProto, {
      opType: ACCUMULATOR,
      domain: MICROSOFT,
      name: `${ACCUMULATOR}/${name}`,
      input: [bufferOf(name), gradientOf(name), RESET],
      output: [doneOf(name)],
    }));
  }
  graph.input.push(declaration(RESET, DataType.BOOL, [1]));
}
