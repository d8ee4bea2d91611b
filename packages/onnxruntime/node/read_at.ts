/** @module */
import { readFile } from "node:fs/promises";

/**
 * The contents of a file.
 *
 * @throws {TypeError} For what is no path.
 * @throws {Error} If it cannot be read, with what was to be done, and the system's code.
 */
export async function readAt(action: string, path: string): Promise<Uint8Array> {
  if (typeof path !== "string" || path === "") {
    throw new TypeError(`Cannot ${action}: expected a path, given is ${JSON.stringify(path)}`);
  }
  try {
    return await readFile(path);
  } catch (cause) {
    const { code, message } = cause as { readonly code?: string; readonly message: string };
    const why = code === "ENOENT"
      ? "it does not exist"
      : code === "EISDIR"
      ? "it is a folder"
      : message;
    throw Object.assign(new Error(`Cannot ${action}: "${path}": ${why}`, { cause }), { code });
  }
}
