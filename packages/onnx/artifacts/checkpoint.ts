/** @module */
import { readCheckpointFolder } from "./checkpoint_folder.ts";
import type { Checkpoint, CheckpointFolder } from "./checkpoint_types.ts";
import { type ReadCheckpointOptions, readCheckpointWith } from "./checkpoint_with.ts";

/**
 * Reads a checkpoint of ONNX Runtime training: a FlatBuffers file (identifier "ODTC", versions 1
 * and 2) or the folder of older builds (`paramtrain_tensors.pbseq` and others). Tensors are views on
 * what is given.
 *
 * @throws {OnnxError} For a damaged or unknown file, with the byte at which the fault was found; for
 *   tensors whose data and shape disagree, by name.
 * @throws {TypeError} For anything but bytes, such as a path.
 *
 * @example
 * ```ts
 * import { readCheckpoint, tensorData } from "@precond/onnx";
 *
 * function norms(bytes: Uint8Array): Map<string, number> {
 *   const norm = (values: ArrayLike<number>) => Math.hypot(...Array.from(values));
 *   return new Map(readCheckpoint(bytes).parameters.map((p) => [
 *     p.name,
 *     norm(tensorData(p) as Float32Array),
 *   ]));
 * }
 * ```
 */
export function readCheckpoint(
  checkpoint: Uint8Array | CheckpointFolder,
  options: ReadCheckpointOptions = {},
): Checkpoint {
  return readCheckpointWith({ readCheckpointFolder }, checkpoint, options);
}
