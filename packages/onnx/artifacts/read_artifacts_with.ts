/** @module */
import { valueType } from "../graph/load_graph_with.ts";
import { dataTypeName } from "../model/data_type.ts";
import { OnnxError } from "../model/onnx_error.ts";
import { type DataFiles, type ReadModelOptions, readModelWith } from "../model/read_model_with.ts";
import { tensorDims } from "../model/tensor.ts";
import type { ModelProto, TensorProto } from "../proto/onnx_pb.ts";
import type { Checkpoint, CheckpointFolder } from "./checkpoint_types.ts";
import { type CheckpointParts, readCheckpointWith } from "./checkpoint_with.ts";
import { ACCUMULATOR, MICROSOFT, parameterOf } from "./contract.ts";
import { forwardCone } from "./forward_cone.ts";
import { type OptimizerHyperparameters, readOptimizerModel } from "./optimizer_model.ts";

/** The files of one set of training artifacts. */
export interface ArtifactFiles {
  /** training_model.onnx */
  readonly training: Uint8Array;
  /** The checkpoint file, or the files of a checkpoint folder. */
  readonly checkpoint: Uint8Array | CheckpointFolder;
  /** optimizer_model.onnx */
  readonly optimizer?: Uint8Array;
  /** eval_model.onnx */
  readonly eval?: Uint8Array;
}

/** What `readArtifacts()` returns. */
export interface Artifacts {
  /**
   * The forward pass to the loss in training mode, with the checkpoint's parameters as initializers
   * and the user's inputs as inputs. Outputs are the loss, then the extra outputs.
   */
  readonly model: ModelProto;
  /** Name of the loss: a scalar. */
  readonly loss: string;
  /** Names of the trainable parameters, in the order of the training model's inputs. */
  readonly trainable: readonly string[];
  readonly frozen: readonly string[];
  /** Names of the inputs that are fed. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** The forward pass in evaluation mode, if eval_model.onnx was given. */
  readonly evaluation?: ModelProto;
  /** Hyperparameters, if optimizer_model.onnx was given. */
  readonly optimizer?: OptimizerHyperparameters;
  readonly checkpoint: Checkpoint;
}

/** What reads the files, at hand or to be loaded. */
export interface ReadParts extends DataFiles, CheckpointParts {}

/** `readArtifacts()`, from given parts; those that are not needed are not touched. */
export function readArtifactsWith(
  parts: ReadParts,
  files: ArtifactFiles,
  options: ReadModelOptions = {},
): Artifacts {
  const training = readModelWith(parts, files.training, options);
  const graph = training.graph!;
  const checkpoint = readCheckpointWith(parts, files.checkpoint);
  if (checkpoint.nominal) {
    throw new OnnxError("Cannot read the artifacts: the checkpoint is nominal, it has no values");
  }
  const accumulators = graph.node.filter((node) =>
    node.domain === MICROSOFT && node.opType === ACCUMULATOR
  );
  const done = new Set(accumulators.flatMap((node) => node.output));
  const outputs = graph.output.map((o) => o.name).filter((name) => !done.has(name));
  const [loss] = outputs;
  if (accumulators.length === 0 || loss === undefined) {
    throw new OnnxError(
      `Cannot read the artifacts: expected a training model with a loss and ${ACCUMULATOR} nodes, ` +
        `found ${outputs.length} outputs and ${accumulators.length} such nodes`,
    );
  }
  const wanted = new Set(accumulators.map((node) => trainedBy(node.input[0] ?? "")));
  const parameters = new Map(
    [...checkpoint.parameters, ...checkpoint.frozen].map((tensor) => [tensor.name, tensor]),
  );
  checkParameters(training, wanted, parameters);
  const model = forwardCone(training, outputs, parameters);
  const names = graph.input.map((i) => i.name);
  const evaluation = files.eval === undefined
    ? undefined
    : readModelWith(parts, files.eval, options);
  const optimizer = files.optimizer === undefined
    ? undefined
    : readOptimizerModel(readModelWith(parts, files.optimizer));
  return {
    model,
    loss,
    trainable: names.filter((name) => wanted.has(name)),
    frozen: names.filter((name) => parameters.has(name) && !wanted.has(name)),
    inputs: model.graph!.input.map((i) => i.name),
    outputs,
    ...(evaluation === undefined ? {} : {
      evaluation: forwardCone(
        evaluation,
        evaluation.graph!.output.map((o) => o.name),
        parameters,
      ),
    }),
    ...(optimizer === undefined ? {} : { optimizer }),
    checkpoint,
  };
}

function trainedBy(buffer: string): string {
  const parameter = parameterOf(buffer);
  if (parameter !== undefined) return parameter;
  throw new OnnxError(
    `Cannot read the artifacts: "${buffer}" is not the name of a gradient's buffer`,
  );
}

/** Every trainable parameter is there, and each parameter has the type of its input. */
function checkParameters(
  { graph }: ModelProto,
  trainable: ReadonlySet<string>,
  parameters: ReadonlyMap<string, TensorProto>,
): void {
  const inputs = new Set(graph!.input.map((i) => i.name));
  for (const name of trainable) {
    if (inputs.has(name) && parameters.has(name)) continue;
    throw new OnnxError(
      `Cannot read the artifacts: parameter "${name}" is missing in the ${
        inputs.has(name) ? "checkpoint" : "training model"
      }`,
    );
  }
  for (const { name, type } of graph!.input) {
    const tensor = parameters.get(name);
    const declared = valueType(type, name);
    if (tensor === undefined || declared === undefined) continue;
    const dims = tensorDims(tensor);
    const fits = declared.dataType === tensor.dataType &&
      (declared.dims === undefined ||
        (declared.dims.length === dims.length &&
          declared.dims.every((d, k) => typeof d === "string" || d === dims[k])));
    if (fits) continue;
    throw new OnnxError(
      `Cannot read the artifacts: parameter "${name}" is ${dataTypeName(declared.dataType)} ` +
        `[${declared.dims}] in the training model, ${dataTypeName(tensor.dataType)} [${dims}] in ` +
        `the checkpoint`,
    );
  }
}
