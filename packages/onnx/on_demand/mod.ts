/**
 * Functions of the root that come without most of its code: rules of operators, what is grown besides
 * the gradient, and what targets run are loaded for the graphs that need them. Bundlers put each into a
 * file of its own.
 *
 * @module
 */
import {
  type GrowthParts,
  growTrainingGraph,
  type TrainingGraph,
  type TrainingGraphOptions,
} from "../differentiate/grow_training_graph.ts";
import type { DifferentiateOptions } from "../differentiate/growth.ts";
import { type LossGraph, makeLossGraph } from "../differentiate/make_loss_graph.ts";
import { cpuWith } from "../legalize/cpu/cpu_with.ts";
import { type Legalized, type LegalizeOptions, legalizeWith } from "../legalize/legalize_with.ts";
import type { MakeLegality, Target } from "../legalize/target.ts";
import { bodiesOf } from "../model/attributes.ts";
import { buildModelWith, type ModelBuilder } from "../model/model_builder.ts";
import { NotLoaded } from "../model/not_loaded.ts";
import type { ModelProto, NodeProto } from "../proto/onnx_pb.ts";
import { loadedRule, loadRules } from "../rules/loaded.ts";

/** Something that is loaded when it is first needed. */
function part<T>(what: string, load: () => Promise<T>): () => T {
  let found: T | undefined;
  return () => {
    if (found !== undefined) return found;
    throw new NotLoaded(`${what} is`, async () => found = await load());
  };
}

const hutchinson = part(
  "Hutchinson's estimate",
  async () => (await import("../differentiate/append_hutchinson.ts")).appendHutchinson,
);
const sample = part(
  "the sample of the curvature",
  async () => (await import("../differentiate/append_sample.ts")).appendSample,
);
const squares = part(
  "the squares of single examples",
  async () => (await import("../differentiate/append_squares.ts")).appendSquares,
);
const growth: GrowthParts = {
  lookup: loadedRule,
  get appendHutchinson() {
    return hutchinson();
  },
  get appendSample() {
    return sample();
  },
  get appendSquares() {
    return squares();
  },
};

const turned = part(
  "turning of convolutions",
  async () => (await import("../legalize/cpu/turned_convolutions.ts")).turnedConvolution,
);
const split = part(
  "splitting of shifts",
  async () => (await import("../legalize/cpu/split_shifts.ts")).splitShifts,
);
const cpu = cpuWith({ turned, split });
const webgpu = part(
  "the target webgpu",
  async () => (await import("../legalize/webgpu.ts")).webgpu,
);
const webgl = part(
  "the target webgl",
  async () => (await import("../legalize/webgl/webgl.ts")).webgl,
);
const targets: Readonly<Record<Target, MakeLegality>> = {
  cpu,
  get webgpu() {
    return webgpu();
  },
  get webgl() {
    return webgl();
  },
};

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
  return makeLossGraph(loadedRule, model, options);
}

/**
 * `legalize()` of the root.
 *
 * @throws {NotLoaded} Outside of {@linkcode loading}, if code is missing.
 */
export function legalize(model: ModelProto, target: Target, options?: LegalizeOptions): Legalized {
  return legalizeWith({ lookup: loadedRule, targets }, model, target, options);
}

/**
 * `buildModel()` of the root.
 *
 * @throws {NotLoaded} When an operator is added, outside of {@linkcode loading}, if its rule is missing.
 */
export function buildModel(opset?: number): ModelBuilder {
  return buildModelWith(loadedRule, opset);
}

export { NotLoaded };
export { refuseUnknownSizes } from "../legalize/known_sizes.ts";
export { exportInferenceModel } from "../artifacts/export_inference_model.ts";
export { readArtifacts } from "../artifacts/read_artifacts.ts";
export { readCheckpoint } from "../artifacts/checkpoint.ts";
export { writeCheckpoint } from "../artifacts/write_checkpoint.ts";
export { exportNotes } from "../exported/export_notes.ts";
export { exportedParameters } from "../exported/exported_parameters.ts";
export { DataType, dataTypeName } from "../model/data_type.ts";
export { OnnxError } from "../model/onnx_error.ts";
export { readModel, writeModel } from "../model/read_model.ts";
export { makeTensor, tensorData, tensorDims } from "../model/tensor.ts";
