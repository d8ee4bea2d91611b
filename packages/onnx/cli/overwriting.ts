/** @module */
import { realpathSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { OnnxError } from "../model/onnx_error.ts";

/** A path without links and other spellings, also of a file that is not there yet. */
function truePath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    try {
      return join(realpathSync(dirname(path)), basename(path));
    } catch {
      return path; // its folder is not there either: writing will say so
    }
  }
}

/** Whether two paths are one file, by whatever names. */
function isSame(one: string, other: string): boolean {
  if (truePath(one) === truePath(other)) return true;
  const [a, b] = [one, other].map((path) =>
    statSync(path, { throwIfNoEntry: false, bigint: true })
  );
  return a !== undefined && b !== undefined && a.isFile() && a.dev === b.dev && a.ino === b.ino;
}

/**
 * Refuses to write over what is read: what the file held would be gone, and of a folder of artifacts
 * the files would not belong together any more.
 *
 * @throws {OnnxError} With both paths.
 */
export function refuseOverwriting(outputs: readonly string[], inputs: readonly string[]): void {
  for (const output of outputs) {
    const input = inputs.find((path) => isSame(output, path));
    if (input === undefined) continue;
    const named = input === output ? "it is an input" : `it is the input "${input}"`;
    throw new OnnxError(`Cannot write "${output}": ${named}; give another file`);
  }
}
