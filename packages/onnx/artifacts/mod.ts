/** @module */
export type {
  Checkpoint,
  CheckpointFolder,
  OptimizerGroup,
  PropertyValue,
} from "./checkpoint_types.ts";
export { readCheckpoint, type ReadCheckpointOptions } from "./checkpoint.ts";
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
export { type ArtifactFiles, type Artifacts, readArtifacts } from "./read_artifacts.ts";
export { type CheckpointState, writeCheckpoint } from "./write_checkpoint.ts";
