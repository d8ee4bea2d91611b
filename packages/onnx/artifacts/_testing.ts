/**
 * Real artifacts, where they are, and training sessions of ONNX Runtime 1.19.2 to compare with.
 *
 * @module
 */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { oracleOrt, typed, type Value } from "../_testing.ts";
import { DataType } from "../model/data_type.ts";

const FIXTURES = fileURLToPath(new URL("../../../../shared/fixtures/", import.meta.url));

/** Whether the official artifacts lie beside the project: tests of them are registered only then. */
export const haveFixtures: boolean = existsSync(FIXTURES);

/** An official artifact. */
export function fixture(path: string): Uint8Array {
  return new Uint8Array(readFileSync(`${FIXTURES}${path}`));
}

/** One set of official artifacts. */
export interface ArtifactSet {
  readonly name: string;
  readonly training: string;
  readonly checkpoint: string;
  readonly optimizer: string;
  readonly eval: string;
}

const set = (name: string, names: Partial<ArtifactSet> = {}): ArtifactSet => ({
  name,
  training: `${name}/training_model.onnx`,
  checkpoint: `${name}/${names.checkpoint ?? "checkpoint"}`,
  optimizer: `${name}/${names.optimizer ?? "optimizer_model.onnx"}`,
  eval: `${name}/eval_model.onnx`,
});

/** Every official artifact set. */
export const artifactSets: readonly ArtifactSet[] = [
  set("mnist-web-demo"),
  set("ort-training-api", { checkpoint: "checkpoint.ckpt", optimizer: "adamw.onnx" }),
  set("seizure-head"),
];

/** What a training session is made of. */
export interface TrainingFiles {
  readonly checkpoint: Uint8Array;
  readonly training: Uint8Array;
  readonly optimizer?: Uint8Array;
  readonly eval?: Uint8Array;
}

interface TrainingOrt {
  readonly Tensor: new (type: string, data: unknown, dims: readonly number[]) => unknown;
  readonly TrainingSession: {
    create(files: Record<string, unknown>): Promise<{
      runTrainStep(feeds: Record<string, unknown>): Promise<Results>;
      runEvalStep(feeds: Record<string, unknown>): Promise<Results>;
      runOptimizerStep(): Promise<void>;
      lazyResetGrad(): Promise<void>;
      getContiguousParameters(trainableOnly: boolean): Promise<{ data: Float32Array }>;
      release(): Promise<void>;
      readonly trainingInputNames: readonly string[];
      readonly evalInputNames: readonly string[];
      readonly trainingOutputNames: readonly string[];
    }>;
  };
}
type Results = Record<string, { data: ArrayLike<number> }>;

/** A training session of 1.19.2 that is fed plain numbers. */
export interface Training {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** The first output of a step: the loss. */
  trainStep(feeds: Readonly<Record<string, Value>>): Promise<number>;
  evalStep(feeds: Readonly<Record<string, Value>>): Promise<number>;
  optimizerStep(): Promise<void>;
  resetGradients(): Promise<void>;
  /** All trainable parameters, one after the other. */
  parameters(): Promise<number[]>;
  release(): Promise<void>;
}

const TYPES: Readonly<Record<number, string>> = {
  [DataType.FLOAT]: "float32",
  [DataType.INT64]: "int64",
  [DataType.INT32]: "int32",
};

/** Opens ONNX Runtime's own training session. */
export async function openTraining(files: TrainingFiles): Promise<Training> {
  const ort = await oracleOrt() as unknown as TrainingOrt;
  const session = await ort.TrainingSession.create({
    checkpointState: files.checkpoint,
    trainModel: files.training,
    ...(files.optimizer === undefined ? {} : { optimizerModel: files.optimizer }),
    ...(files.eval === undefined ? {} : { evalModel: files.eval }),
  });
  // It takes feeds by position, whatever their names say.
  const tensors = (feeds: Readonly<Record<string, Value>>, order: readonly string[]) =>
    Object.fromEntries(
      order.map((name) => {
        const value = feeds[name]!;
        const type = value.type ?? DataType.FLOAT;
        return [name, new ort.Tensor(TYPES[type]!, typed({ ...value, type }), value.dims)];
      }),
    );
  const first = (results: Results) => Object.values(results)[0]!.data[0]!;
  return {
    inputs: session.trainingInputNames,
    outputs: session.trainingOutputNames,
    trainStep: async (feeds) =>
      first(await session.runTrainStep(tensors(feeds, session.trainingInputNames))),
    evalStep: async (feeds) =>
      first(await session.runEvalStep(tensors(feeds, session.evalInputNames))),
    optimizerStep: () => session.runOptimizerStep(),
    resetGradients: () => session.lazyResetGrad(),
    parameters: async () => Array.from((await session.getContiguousParameters(true)).data),
    release: () => session.release(),
  };
}
