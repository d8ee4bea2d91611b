/**
 * What a trainer is made from: a model, or training artifacts.
 *
 * @module
 */
import { adamW, type Definition } from "@precond/core";
import { checkOptions, nearestName } from "@precond/core/backend";
import * as kinds from "@precond/core/kinds";
import type {
  ArtifactFiles,
  DifferentiateOptions,
  ExternalData,
  Loss,
  ModelProto,
} from "@precond/onnx";
import { readArtifacts, readModel } from "@precond/onnx/on_demand";
import { bytesOf } from "../engine/feeds/element_types.ts";
import { kindOf } from "../engine/feeds/kind_of.ts";
import { optimizerOf } from "./optimizer_of.ts";

/** A plain model and a loss on its output. */
export interface ModelSource {
  readonly model: Uint8Array | ModelProto;
  /** A loss with labels as a new graph input; or name a scalar output of the model by `output`. */
  readonly loss?: Loss;
  /** Name of an output that is the loss. */
  readonly output?: string;
  /**
   * The files in which the model keeps large tensors, by the names that the model has for them;
   * createTrainerFromFile() of `@precond/onnxruntime/node` finds them itself.
   */
  readonly externalData?: ExternalData;
}

/** ONNX's word for a tensor whose bytes are in another file. */
const external = 1;

/** A plain model, or training artifacts: official ones or those of `generateArtifacts()`. */
export type TrainerSource = ModelSource | ArtifactFiles;

/** Names of inputs that the caller feeds, and of outputs. */
export interface SourceNames {
  readonly trainingInputNames: readonly string[];
  readonly trainingOutputNames: readonly string[];
  readonly evalInputNames: readonly string[];
  readonly evalOutputNames: readonly string[];
}

/** What a trainer trains, whatever it came from. */
export interface TrainingSource {
  readonly model: ModelProto;
  readonly target: Pick<DifferentiateOptions, "loss" | "output">;
  readonly trainable: readonly string[] | undefined;
  /** Parameters that the artifacts keep fixed. */
  readonly frozen: readonly string[];
  readonly names: SourceNames;
  /** The optimizer that the source asks for. */
  readonly optimizer: Definition;
  /** The forward pass for evaluation and what its loss is. */
  readonly evaluation: {
    readonly model: ModelProto;
    readonly target: Pick<DifferentiateOptions, "loss" | "output">;
  };
  /** Outputs of the evaluation model besides the loss. */
  readonly predictions: readonly string[];
}

/** Reads a source. */
export function readSource(given: TrainerSource): TrainingSource {
  if (given === null || typeof given !== "object") {
    throw new TypeError(
      `Cannot create a trainer: the source must be { model, loss } or training artifacts, ` +
        `given is ${kindOf(given)}${howToRead(given)}`,
    );
  }
  return "training" in given ? fromArtifacts(given) : fromModel(given);
}

/** What to do with the name of a file: none is read here. */
function howToRead(given: unknown): string {
  return typeof given === "string"
    ? `; read the file, or take createTrainerFromFile() of "@precond/onnxruntime/node"`
    : "";
}

/** Files that Jest or a frame made are of another realm, others come as the buffer that was read. */
const bytesIn = <T>(file: T): T => (bytesOf(file) ?? file) as T;

function fromModel(given: ModelSource): TrainingSource {
  const { model, loss, output, externalData } = given;
  const known = ["model", "loss", "output", "externalData"];
  // What a network carries besides is its own business; what is misspelt is not.
  for (const name of Object.keys(given).filter((name) => !known.includes(name))) {
    const near = nearestName(name, known);
    if (near === undefined) continue;
    throw new TypeError(`Cannot create a trainer: "${name}" is no option, did you mean ${near}?`);
  }
  if ((loss === undefined) === (output === undefined)) {
    throw new TypeError(
      "Cannot create a trainer: give either a loss or the name of the output that is the loss, as in " +
        '{ model, loss: { type: "crossEntropy" } } or { model, output: "loss" }',
    );
  }
  const bytes = bytesOf(model);
  const read = bytes === undefined
    ? model as ModelProto
    : readModel(bytes, externalData === undefined ? {} : { externalData });
  if (read?.graph === undefined) {
    throw new TypeError(
      `Cannot create a trainer: expected a model's bytes as a Uint8Array or a ModelProto, ` +
        `given is ${kindOf(model)}${howToRead(model)}`,
    );
  }
  const apart = read.graph.initializer.find(({ dataLocation }) => dataLocation === external);
  if (apart !== undefined) {
    const file = apart.externalData.find(({ key }) => key === "location")?.value;
    throw new TypeError(
      `Cannot create a trainer: the model keeps "${apart.name}" in the file "${file}"; give it as ` +
        `{ model, loss, externalData: { ${
          JSON.stringify(file)
        }: bytes } }, or create the trainer with ` +
        `createTrainerFromFile() of "@precond/onnxruntime/node"`,
    );
  }
  // The training model of artifacts has initializers, too, among them the seed of its own gradient: it
  // would be trained like a parameter.
  if (read.graph.node.some((node) => node.opType === "InPlaceAccumulatorV2")) {
    throw new TypeError(
      "Cannot create a trainer: the model is the training model of artifacts; give them as " +
        "{ training, checkpoint }",
    );
  }
  const target = loss === undefined ? { output: output! } : { loss };
  return {
    model: read,
    target,
    trainable: undefined,
    frozen: [],
    names: namesOf(read, read),
    optimizer: adamW(),
    evaluation: { model: read, target },
    predictions: read.graph.output.map((o) => o.name).filter((name) => name !== output),
  };
}

function fromArtifacts(files: ArtifactFiles): TrainingSource {
  const { training, checkpoint, optimizer: optimizerModel, eval: evalModel } = checkOptions<
    ArtifactFiles
  >("create a trainer", files, {
    training: kinds.anything,
    checkpoint: kinds.anything,
    optimizer: kinds.anything,
    eval: kinds.anything,
  });
  const { model, loss, trainable, frozen, evaluation = model, optimizer } = readArtifacts({
    training: bytesIn(training),
    checkpoint: bytesIn(checkpoint),
    ...(optimizerModel === undefined ? {} : { optimizer: bytesIn(optimizerModel) }),
    ...(evalModel === undefined ? {} : { eval: bytesIn(evalModel) }),
  });
  const [evaluated, ...predictions] = evaluation.graph!.output.map((o) => o.name);
  return {
    model,
    target: { output: loss },
    trainable,
    frozen,
    names: namesOf(model, evaluation),
    optimizer: optimizer === undefined ? adamW() : optimizerOf(optimizer),
    evaluation: { model: evaluation, target: { output: evaluated! } },
    predictions,
  };
}

function namesOf(training: ModelProto, evaluation: ModelProto): SourceNames {
  const inputs = ({ graph }: ModelProto) => {
    const fixed = new Set(graph!.initializer.map((tensor) => tensor.name));
    return graph!.input.map((i) => i.name).filter((name) => !fixed.has(name));
  };
  const outputs = ({ graph }: ModelProto) => graph!.output.map((o) => o.name);
  return {
    trainingInputNames: inputs(training),
    trainingOutputNames: outputs(training),
    evalInputNames: inputs(evaluation),
    evalOutputNames: outputs(evaluation),
  };
}
