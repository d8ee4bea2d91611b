/**
 * Files that are never half written.
 *
 * @module
 */
import { randomUUID } from "node:crypto";
import { open, readdir, realpath, rename, rm, stat, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, dirname, join } from "node:path";
import process from "node:process";

/** Temporary files that this process is writing. */
const writing = new Set<string>();

/**
 * Writes a file so that at any moment, also after a crash, the path holds either the old content or
 * the new one, whole: a temporary file in the same folder is written, flushed to the disk and renamed.
 *
 * What a process that was killed while it wrote to the same path has left behind is removed.
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
  const refuse = (why: string, cause: unknown) => {
    const { code } = cause as NodeJS.ErrnoException;
    throw Object.assign(new Error(`Cannot write "${path}": ${why}`, { cause }), { code });
  };
  if (typeof path !== "string" || path === "") {
    throw new TypeError(`Cannot write a file: expected its path, given is ${JSON.stringify(path)}`);
  }
  const there = await stat(path).catch(() => undefined);
  if (there?.isDirectory()) {
    refuse("it is a folder", Object.assign(new Error("EISDIR"), { code: "EISDIR" }));
  }
  // A pipe or a device is written to: a file in its place would cut off who reads there.
  if (there !== undefined && !there.isFile()) return await writeFile(path, bytes);
  // Of a link the file that it leads to is replaced, not the link.
  const target = there === undefined ? path : await realpath(path);
  const folder = dirname(target);
  // In the same folder: a rename across file systems is a copy.
  const name = `${prefixOf(target)}${process.pid}.${randomUUID()}.tmp`;
  const temporary = join(folder, name);
  writing.add(name);
  try {
    const file = await open(temporary, "wx");
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, target);
  } catch (cause) {
    await rm(temporary, { force: true });
    // The temporary file, which the system's message names, is nothing to the caller.
    const { code, message } = cause as NodeJS.ErrnoException;
    refuse(code === "ENOENT" ? `there is no folder "${folder}"` : message, cause);
  } finally {
    writing.delete(name);
  }
  await flushFolder(folder);
  await removeAbandoned(target);
}

/** Of this machine: whether processes of another one live cannot be known. */
const prefixOf = (path: string) => `.${basename(path)}.${hostname()}.`;

/** Removes temporary files for this path whose process is no more. */
async function removeAbandoned(path: string): Promise<void> {
  const folder = dirname(path);
  const prefix = prefixOf(path);
  try {
    for (const name of await readdir(folder)) {
      if (!name.startsWith(prefix)) continue;
      const [, pid] = /^(\d+)\.[0-9a-f-]{36}\.tmp$/.exec(name.slice(prefix.length)) ?? [];
      if (pid === undefined || writing.has(name) || livesElsewhere(Number(pid))) continue;
      await rm(join(folder, name), { force: true });
    }
  } catch {
    // The file itself is written.
  }
}

/** Whether another process of that number may be writing. */
function livesElsewhere(pid: number): boolean {
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // What may not be asked may live.
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
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
