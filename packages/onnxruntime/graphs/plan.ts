/**
 * What is trained of a source, and with which values it begins; no session is open yet.
 *
 * @module
 */
import type { Recompute, TensorProto, TrainingGraph } from "@precond/onnx";
import {
  DataType,
  dataTypeName,
  tensorData,
  tensorDims,
  trainingGraph,
} from "@precond/onnx/on_demand";
import type { TrainerOptions } from "../engine/options.ts";
import { batchAxes, type BatchAxis } from "./batch.ts";
import { type InputInfo, inputInfo } from "./inputs.ts";
import type { TrainingSource } from "./source.ts";
import { trainedOf } from "./trained.ts";

/** A parameter and its values in the source. */
export interface Initial {
  readonly name: string;
  readonly dims: readonly number[];
  readonly data: Float32Array;
}

/** What is trained, what is fed besides, what is returned. */
export interface TrainingPlan {
  readonly source: TrainingSource;
  /** The graph with the gradient alone. */
  readonly plain: TrainingGraph;
  readonly trained: readonly Initial[];
  /** Running statistics and frozen parameters. */
  readonly fixed: readonly (Initial & { readonly updates: boolean })[];
  /** Outputs of the model that step() returns. */
  readonly outputs: readonly string[];
  /** Inputs that the caller feeds. */
  readonly inputs: readonly InputInfo[];
  /** Numbers for symbolic sizes. */
  readonly sizes: Readonly<Record<string, number>>;
  /** What the backward pass computes again, if the caller says so. */
  readonly recompute: Recompute | undefined;
  /** Where the batch's examples lie. */
  readonly batch: readonly BatchAxis[];
}

/** What {@linkcode planTraining} needs to know of the options. */
export type PlanOptions = Pick<
  TrainerOptions,
  "outputs" | "frozen" | "trainable" | "training" | "recompute" | "sizes"
>;

/** The inputs that a trainer feeds itself are no business of the caller. */
export function ownInputs(
  graph: Partial<Pick<TrainingGraph, "uniform" | "vectors">>,
  names: Iterable<string>,
): Set<string> {
  return new Set([
    ...names,
    ...(graph.uniform === undefined ? [] : [graph.uniform]),
    ...(graph.vectors?.values() ?? []),
    "dropout_seed",
  ]);
}

/**
 * Decides what is trained, and differentiates the source by it.
 *
 * @throws {TypeError} For names that are not there, and parameters that are not float32.
 * @throws {NotLoaded} Outside of `loading()`, if code is missing.
 */
export function planTraining(source: TrainingSource, options: PlanOptions): TrainingPlan {
  const { outputs = [], frozen = [] } = options;
  const trainable = trainedOf(source, options.trainable, frozen);
  const recompute = withSizes(options);
  // Parameters and statistics are known when the graph is differentiated: it serves the steps, too.
  const plain = trainingGraph(source.model, {
    ...source.target,
    ...(options.training === undefined ? {} : { training: options.training }),
    ...(trainable === undefined ? {} : { trainable }),
    ...(recompute === undefined ? {} : { recompute }),
    fed: frozen,
    outputs,
  });
  const { parameters, statistics, labels } = plain;
  const initializers = new Map(source.model.graph!.initializer.map((t) => [t.name, t]));
  // A running statistic that was a copy of a parameter has its value from the graph that was grown.
  const tensorOf = (name: string) => initializers.get(name) ?? plain.values.get(name);
  const trained = parameters.map((name) => initialOf(name, tensorOf(name)));
  if (trained.length === 0) {
    throw new TypeError("Cannot create a trainer: trainable names no parameter");
  }
  const missing = frozen.find((name) => !initializers.has(name));
  if (missing !== undefined) {
    throw new TypeError(
      `Cannot keep "${missing}" frozen: the model has no initializer of that name`,
    );
  }
  const fixed = [...new Set([...statistics.keys(), ...frozen])].map((name) => ({
    ...initialOf(name, tensorOf(name)),
    updates: statistics.has(name),
  }));
  const own = ownInputs(plain, [...trained, ...fixed].map(({ name }) => name));
  const inputs = plain.model.graph!.input.filter(({ name }) => !own.has(name)).map((input) => ({
    ...inputInfo(input),
    labels: labels.get(input.name),
  }));
  const { loss } = source.target;
  const compared = new Set([
    ...labels.keys(),
    ...(loss === undefined ? [] : [loss.labels ?? "labels"]),
  ]);
  return {
    ...{ source, plain, trained, fixed, outputs, inputs, recompute },
    sizes: options.sizes ?? {},
    batch: batchAxes(inputs, compared),
  };
}

/** Sizes that are known hold for the bytes, too. */
function withSizes({ recompute, sizes }: PlanOptions): Recompute | undefined {
  if (recompute === undefined || recompute === false || !("bytes" in recompute)) return recompute;
  return { ...recompute, sizes: { ...sizes, ...recompute.sizes } };
}

function initialOf(name: string, tensor: TensorProto | undefined): Initial {
  if (tensor === undefined) {
    throw new TypeError(
      `Cannot train "${name}": it is an input without an initial value; make it an initializer`,
    );
  }
  if (tensor.dataType !== DataType.FLOAT) {
    throw new TypeError(
      `Cannot train "${name}": expected FLOAT, actual type is ${dataTypeName(tensor.dataType)}`,
    );
  }
  return { name, dims: tensorDims(tensor), data: tensorData(tensor) as Float32Array };
}
