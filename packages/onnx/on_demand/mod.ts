/**
 * Functions of the root that come without most of its code: rules of operators, losses, what is grown
 * besides the gradient, what targets run, and what few files need are loaded for the graphs that need
 * them. Bundlers put each into a file of its own.
 *
 * @module
 */
import type { ExportOptions } from "../artifacts/export_inference_model.ts";
import type { Checkpoint, CheckpointFolder } from "../artifacts/checkpoint_types.ts";
import { type ReadCheckpointOptions, readCheckpointWith } from "../artifacts/checkpoint_with.ts";
import {
  type ArtifactFiles,
  type Artifacts,
  readArtifactsWith,
} from "../artifacts/read_artifacts_with.ts";
import {
  growTrainingGraph,
  type TrainingGraph,
  type TrainingGraphOptions,
} from "../differentiate/grow_training_graph.ts";
import type { DifferentiateOptions } from "../differentiate/growth.ts";
import { type LossGraph, makeLossGraph } from "../differentiate/make_loss_graph.ts";
import type { ExportedParameters } from "../exported/exported_parameters.ts";
import { type Legalized, type LegalizeOptions, legalizeWith } from "../legalize/legalize_with.ts";
import type { Target } from "../legalize/target.ts";
import { bodiesOf } from "../model/attributes.ts";
import type { ExternalDataOptions } from "../model/external_data.ts";
import { buildModelWith, type ModelBuilder } from "../model/model_builder.ts";
import { NotLoaded } from "../model/not_loaded.ts";
import {
  type ReadModelOptions,
  readModelWith,
  type SplitModel,
  writeModelWith,
} from "../model/read_model_with.ts";
import type { ModelProto, NodeProto, TensorProto } from "../proto/onnx_pb.ts";
import { loadRules } from "../rules/loaded.ts";
import { building, exporting, files, growth, legalizing, noted, rare } from "./parts.ts";

/** The operators of a model, those in bodies and functions, too. */
function operatorsOf({ graph, functions }: ModelProto): NodeProto[] {
  const found: NodeProto[] = [];
  const visit = (nodes: readonly NodeProto[]) => {
    for (const node of nodes) {
      found.push(node);
      for (const body of bodiesOf(node)) visit(body.node);
    }
  };
  visit(graph?.node ?? []);
  for (const { node } of functions) visit(node);
  return found;
}

/**
 * Runs what calls the functions of this module, and again after what it lacked has been loaded.
 *
 * @param make May run several times.
 * @param model Its operators' rules are loaded first, all together.
 *
 * @example
 * ```ts
 * import { readModel } from "@precond/onnx";
 * import { loading, trainingGraph } from "@precond/onnx/on_demand";
 *
 * function gradientGraph(bytes: Uint8Array) {
 *   const model = readModel(bytes);
 *   return loading(() => trainingGraph(model, { loss: { type: "crossEntropy" } }).model, model);
 * }
 * ```
 */
export async function loading<T>(make: () => T, model?: ModelProto): Promise<T> {
  if (model !== undefined) await loadRules(operatorsOf(model));
  for (;;) {
    try {
      return make();
    } catch (error) {
      if (!(error instanceof NotLoaded)) throw error;
      await error.load();
    }
  }
}

/**
 * `trainingGraph()` of the root.
 *
 * @throws {NotLoaded} Outside of {@linkcode loading}, if code is missing.
 */
export function trainingGraph(model: ModelProto, options: TrainingGraphOptions): TrainingGraph {
  return growTrainingGraph(growth, model, options);
}

/**
 * `lossGraph()` of the root.
 *
 * @throws {NotLoaded} Outside of {@linkcode loading}, if code is missing.
 */
export function lossGraph(model: ModelProto, options: DifferentiateOptions): LossGraph {
  return makeLossGraph(growth, model, options);
}

/**
 * `legalize()` of the root.
 *
 * @throws {NotLoaded} Outside of {@linkcode loading}, if code is missing.
 */
export function legalize(model: ModelProto, target: Target, options?: LegalizeOptions): Legalized {
  return legalizeWith(legalizing, model, target, options);
}

/**
 * `buildModel()` of the root.
 *
 * @throws {NotLoaded} When an operator is added, outside of {@linkcode loading}, if its rule is missing.
 */
export function buildModel(opset?: number): ModelBuilder {
  return buildModelWith(building, opset);
}

/**
 * `readModel()` of the root.
 *
 * @throws {NotLoaded} For data files, outside of {@linkcode loading}.
 */
export function readModel(bytes: Uint8Array, options?: ReadModelOptions): ModelProto {
  return readModelWith(files, bytes, options);
}

/**
 * `writeModel()` of the root.
 *
 * @throws {NotLoaded} For data files, outside of {@linkcode loading}.
 */
export function writeModel(model: ModelProto): Uint8Array;
export function writeModel(
  model: ModelProto,
  options: { readonly externalData: ExternalDataOptions },
): SplitModel;
export function writeModel(
  model: ModelProto,
  options?: { readonly externalData: ExternalDataOptions },
): Uint8Array | SplitModel {
  return writeModelWith(files, model, options);
}

/**
 * `readArtifacts()` of the root.
 *
 * @throws {NotLoaded} For folders and data files, outside of {@linkcode loading}.
 */
export function readArtifacts(given: ArtifactFiles, options?: ReadModelOptions): Artifacts {
  return readArtifactsWith(files, given, options);
}

/**
 * `readCheckpoint()` of the root.
 *
 * @throws {NotLoaded} For folders, outside of {@linkcode loading}.
 */
export function readCheckpoint(
  checkpoint: Uint8Array | CheckpointFolder,
  options?: ReadCheckpointOptions,
): Checkpoint {
  return readCheckpointWith(files, checkpoint, options);
}

/**
 * `exportInferenceModel()` of the root.
 *
 * @throws {NotLoaded} Outside of {@linkcode loading}.
 */
export function exportInferenceModel(
  model: ModelProto,
  parameters: Iterable<TensorProto>,
  options?: ExportOptions,
): ModelProto {
  return exporting().exportInferenceModel(model, parameters, options);
}

/**
 * `exportedParameters()` of the root.
 *
 * @throws {NotLoaded} Outside of {@linkcode loading}.
 */
export function exportedParameters(model: ModelProto): ExportedParameters | undefined {
  return noted().exportedParameters(model);
}

/**
 * `exportNotes()` of the root.
 *
 * @throws {NotLoaded} Outside of {@linkcode loading}.
 */
export function exportNotes(exported: ExportedParameters | undefined): string[] {
  return noted().exportNotes(exported);
}

/**
 * Refuses sizes that a model does not have.
 *
 * @throws {TypeError} With the names that there are.
 * @throws {NotLoaded} For any sizes, outside of {@linkcode loading}.
 */
export function refuseUnknownSizes(
  action: string,
  model: ModelProto,
  sizes: Readonly<Record<string, number>> | undefined,
): void {
  if (sizes !== undefined) rare().refuseUnknownSizes(action, model, sizes);
}

export { NotLoaded };
export { writeCheckpoint } from "../artifacts/write_checkpoint.ts";
export { DataType, dataTypeName } from "../model/data_type.ts";
export { OnnxError } from "../model/onnx_error.ts";
export { makeTensor, tensorData, tensorDims } from "../model/tensor.ts";
