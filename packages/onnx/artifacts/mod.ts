/** @module */
export type {
  Checkpoint,
  CheckpointFolder,
  OptimizerGroup,
  PropertyValue,
} from "./checkpoint_types.ts";
export { readCheckpoint } from "./checkpoint.ts";
export type { ReadCheckpointOptions } from "./checkpoint_with.ts";
export { exportInferenceModel, type ExportOptions } from "./export_inference_model.ts";
export {
  generateArtifacts,
  type GenerateArtifactsOptions,
  type GeneratedArtifacts,
} from "./generate_artifacts.ts";
export {
  isOnnxAdapter,
  type OnnxAdapter,
  readOnnxAdapter,
  writeOnnxAdapter,
} from "./onnx_adapter.ts";
export {
  type AdamWHyperparameters,
  type OptimizerHyperparameters,
  type SgdHyperparameters,
} from "./optimizer_model.ts";
export { readArtifacts } from "./read_artifacts.ts";
export type { ArtifactFiles, Artifacts } from "./read_artifacts_with.ts";
export { type CheckpointState, writeCheckpoint } from "./write_checkpoint.ts";
