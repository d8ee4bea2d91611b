/**
 * Train on current ONNX Runtime, on CPU and WebGPU, with preconditioned optimizers.
 *
 * @module
 */
export type { Session } from "./hosts/create_session.ts";
export type { Feed, Feeds, Ort } from "./hosts/ort.ts";
export { type GraphBasis, refreshBasis } from "./graphs/optimizer_graph/graph_basis.ts";
export type { GraphParameter } from "./graphs/optimizer_graph/graph_parameter.ts";
export {
  type GraphSlot,
  type OptimizerGraph,
  optimizerGraph,
  type OptimizerGraphOptions,
} from "./graphs/optimizer_graph/optimizer_graph.ts";
export { DEFAULT_LEARNING_RATE, optimizerOf } from "./graphs/optimizer_of.ts";
export { mergeTrainers } from "./saving/merge_trainers.ts";
export type { SaveFormat } from "./saving/saved_trainer.ts";
export type { ModelSource, TrainerSource } from "./graphs/source.ts";
export { Trainer } from "./trainer/trainer.ts";
export {
  createTrainingSession,
  type TrainingSession,
  type TrainingSessionCreateOptions,
  type TrainingSessionOptions,
  type UriOrBuffer,
} from "./training/training_session.ts";
export type {
  AdapterFiles,
  Batches,
  ComputedGradients,
  ComputeOptions,
  ExportModelOptions,
  FitOptions,
  Progress,
  SaveAdapterOptions,
  SaveOptions,
  StepOptions,
  StepOutcome,
  TrainerOptions,
} from "./trainer/options.ts";
