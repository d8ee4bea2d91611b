/** @module */
import { randomUUID } from "node:crypto";
import { open, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/**
 * Writes a file so that at any moment, also after a crash, the path holds either the old content or
 * the new one, whole: a temporary file in the same folder is written, flushed to the disk and renamed.
 *
 * @throws {Error} If it cannot be written, with the system's code: nothing is left behind then.
 *
 * @example
 * ```ts
 * import { writeFileAtomically } from "@precond/onnx/node";
 *
 * const save = (bytes: Uint8Array) => writeFileAtomically("model.onnx", bytes);
 * ```
 */
export async function writeFileAtomically(path: string, bytes: Uint8Array): Promise<void> {
  const folder = dirname(path);
  // In the same folder: a rename across file systems is a copy.
  const temporary = join(folder, `.${basename(path)}.${randomUUID()}.tmp`);
  try {
    const file = await open(temporary, "wx");
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true });
    // The temporary file, which the system's message names, is nothing to the caller.
    const { code, message } = cause as NodeJS.ErrnoException;
    const why = code === "ENOENT" ? `there is no folder "${folder}"` : message;
    throw Object.assign(new Error(`Cannot write "${path}": ${why}`, { cause }), { code });
  }
  await flushFolder(folder);
}

/** Without this the rename itself may be lost in a crash. */
async function flushFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, "r");
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch {
    // Windows cannot open a folder; the file itself is safe already.
  }
}
