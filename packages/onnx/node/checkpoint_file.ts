/** @module */
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Checkpoint } from "../artifacts/checkpoint_types.ts";
import { readCheckpoint } from "../artifacts/checkpoint.ts";
import { type CheckpointState, writeCheckpoint } from "../artifacts/write_checkpoint.ts";
import { writeFileAtomically } from "./write_file_atomically.ts";

/**
 * Reads a checkpoint from a file, or from the folder of older builds.
 *
 * @throws {OnnxError} As `readCheckpoint()` does.
 *
 * @example
 * ```ts
 * import { readCheckpointFile } from "@precond/onnx/node";
 *
 * const stepsOf = async (path: string) =>
 *   (await readCheckpointFile(path)).optimizerGroups.map((group) => group.step);
 * ```
 */
export async function readCheckpointFile(path: string): Promise<Checkpoint> {
  if (!(await stat(path)).isDirectory()) return readCheckpoint(await readFile(path));
  const names = (await readdir(path)).filter((name) => name.endsWith(".pbseq"));
  const files = names.map(async (name) => [name, await readFile(join(path, name))] as const);
  return readCheckpoint(Object.fromEntries(await Promise.all(files)));
}

/**
 * Writes a checkpoint so that a crash leaves the old file or the new one, whole.
 *
 * @example
 * ```ts
 * import { readCheckpointFile, writeCheckpointFile } from "@precond/onnx/node";
 *
 * const backUp = async (path: string) =>
 *   await writeCheckpointFile(`${path}.backup`, await readCheckpointFile(path));
 * ```
 */
export async function writeCheckpointFile(path: string, state: CheckpointState): Promise<void> {
  await writeFileAtomically(path, writeCheckpoint(state));
}
