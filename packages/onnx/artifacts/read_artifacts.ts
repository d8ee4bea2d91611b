/** @module */
import { resolveExternalData, splitExternalData } from "../model/external_data.ts";
import type { ReadModelOptions } from "../model/read_model_with.ts";
import { readCheckpointFolder } from "./checkpoint_folder.ts";
import { type ArtifactFiles, type Artifacts, readArtifactsWith } from "./read_artifacts_with.ts";

/**
 * Reads official training artifacts of ONNX Runtime. Gradient kernels, accumulators and their buffers
 * are cut off: what remains runs in, and can be differentiated for, every current build.
 *
 * @throws {OnnxError} For damaged files, a model without accumulators, and a parameter that the
 *   checkpoint lacks or has in another shape.
 *
 * @example
 * ```ts
 * import { type ArtifactFiles, differentiate, readArtifacts } from "@precond/onnx";
 *
 * function gradientsOf(files: ArtifactFiles) {
 *   const { model, loss, trainable } = readArtifacts(files);
 *   return differentiate(model, { output: loss, trainable });
 * }
 * ```
 */
export function readArtifacts(files: ArtifactFiles, options: ReadModelOptions = {}): Artifacts {
  const parts = { resolveExternalData, splitExternalData, readCheckpointFolder };
  return readArtifactsWith(parts, files, options);
}
