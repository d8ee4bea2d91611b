/** @module */

/** The models: an MLP, and two convolutions with pooling. */
export const models = ["mlp", "cnn"] as const;

/** A model of {@linkcode models}. */
export type ModelName = (typeof models)[number];

/** Where ONNX Runtime computes: onnxruntime-node's processor, or a build of onnxruntime-web. */
export const providers = ["cpu", "wasm", "webgpu"] as const;

/** A provider of {@linkcode providers}. */
export type ProviderName = (typeof providers)[number];

/** What runs the JavaScript. */
export type OnnxruntimeRuntime = "deno" | "node";

/** What is measured: training steps of one model on one provider. */
export interface TrainingCase {
  readonly model: ModelName;
  readonly provider: ProviderName;
  /** Units of the MLP's hidden layers. */
  readonly hidden: readonly number[];
  readonly batchSize: number;
  /** Threads of ours on wasm; elsewhere ONNX Runtime decides. Of a process, which begins with it. */
  readonly threads: number;
  /** At least 5. */
  readonly samples: number;
}

/** A whole training step of ours, beside one of something else. */
export interface TrainingRow {
  readonly model: ModelName;
  readonly provider: ProviderName;
  readonly runtime: OnnxruntimeRuntime;
  /** The runtime's version. */
  readonly version: string;
  /** Of ours, as `ort.env` has it. */
  readonly onnxruntime: string;
  /** The GPU's own name; null without one. */
  readonly gpu: string | null;
  /** Threads that ours was given; null where ONNX Runtime decides. The baselines' are their own. */
  readonly threads: number | null;
  readonly method: string;
  readonly batchSize: number;
  /** Milliseconds of loss, gradients and update, the loss read back: median. */
  readonly step_ms: number;
  /** Milliseconds of them inside `session.run`. */
  readonly run_ms: number;
  /** A step that brings a curvature sample; null where the method takes none. */
  readonly refresh_ms: number | null;
  readonly baseline: string;
  readonly baseline_ms: number;
  /** baseline_ms / step_ms: above 1 we are faster. */
  readonly ratio: number;
  /** Samples that the medians are of. */
  readonly samples: number;
}

/** Names of what takes turns. */
export const names = {
  adamW: "adamw",
  captured: "adamw, captured",
  combined: "combined",
  refresh: "combined with a sample",
  session: "TrainingSession 1.19.2",
  tfjs: "tfjs wasm, tf.train.adam",
  precondTfjs: "tfjs wasm, @precond/tfjs adam",
} as const;

/** Where the rows of a case were measured. */
export type Place = Pick<TrainingRow, "runtime" | "version" | "onnxruntime" | "gpu">;

/** The rows of a case, from the medians of all that took turns. */
export function trainingRows(
  { model, provider, batchSize, threads, samples }: TrainingCase,
  place: Place,
  times: ReadonlyMap<string, number>,
): TrainingRow[] {
  const row = (method: string, baseline: string): TrainingRow[] => {
    const [step_ms, baseline_ms] = [times.get(method), times.get(baseline)];
    if (step_ms === undefined || baseline_ms === undefined) return [];
    return [{
      model,
      provider,
      ...place,
      threads: provider === "wasm" ? threads : null,
      method,
      batchSize,
      step_ms,
      run_ms: times.get(`${method} part`)!,
      refresh_ms: method === names.combined ? times.get(names.refresh)! : null,
      baseline,
      baseline_ms,
      ratio: baseline_ms / step_ms,
      samples,
    }];
  };
  return [
    ...[names.session, names.tfjs, names.precondTfjs].flatMap((b) => row(names.adamW, b)),
    ...[names.adamW, names.session].flatMap((b) => row(names.combined, b)),
    ...row(names.captured, names.adamW),
  ];
}
