/** @module */
import type { readCheckpointFolder } from "./checkpoint_folder.ts";
import type { Checkpoint, CheckpointFolder } from "./checkpoint_types.ts";
import { readCheckpointBuffer } from "./read_checkpoint.ts";

/** Options of `readCheckpoint()`. */
export interface ReadCheckpointOptions {
  /** The data file beside a checkpoint that keeps its tensors in one; default none. */
  readonly externalData?: Uint8Array;
}

/** What reads folders, at hand or to be loaded. */
export interface CheckpointParts {
  readonly readCheckpointFolder: typeof readCheckpointFolder;
}

/** `readCheckpoint()`, from given parts; those that are not needed are not touched. */
export function readCheckpointWith(
  parts: CheckpointParts,
  checkpoint: Uint8Array | CheckpointFolder,
  options: ReadCheckpointOptions = {},
): Checkpoint {
  if (checkpoint === null || typeof checkpoint !== "object" || checkpoint instanceof ArrayBuffer) {
    const given = (checkpoint as object | undefined)?.constructor?.name ?? String(checkpoint);
    throw new TypeError(
      `Cannot read the checkpoint: expected its bytes as a Uint8Array, given is ${given}`,
    );
  }
  return checkpoint instanceof Uint8Array
    ? readCheckpointBuffer(checkpoint, options.externalData)
    : parts.readCheckpointFolder(checkpoint);
}
