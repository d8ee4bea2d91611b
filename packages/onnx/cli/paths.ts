/**
 * Paths to write to, looked at before anything is read or computed.
 *
 * @module
 */
import { statSync } from "node:fs";
import { dirname, join } from "node:path";
import { InvalidArgumentError } from "commander";

const kindOf = (path: string): "nothing" | "folder" | "file" => {
  try {
    return statSync(path).isDirectory() ? "folder" : "file";
  } catch {
    return "nothing"; // or out of reach: writing will say so
  }
};

/** The nearest part of a path that is there. */
const nearest = (path: string): string => {
  const above = dirname(path);
  return kindOf(path) !== "nothing" || above === path ? path : nearest(above);
};

/** Parses the path of a file to write. */
export function fileToWrite(path: string): string {
  if (path === "") throw new InvalidArgumentError("it is empty; give the path of a file to write");
  if (kindOf(path) === "folder") {
    throw new InvalidArgumentError(
      `it is a folder; give a file, such as ${JSON.stringify(join(path, "out.onnx"))}`,
    );
  }
  const folder = dirname(path);
  if (kindOf(folder) === "folder") return path;
  throw new InvalidArgumentError(
    kindOf(folder) === "file"
      ? `"${folder}" is a file; give a path in a folder`
      : `there is no folder "${folder}"; make it first`,
  );
}

/** Parses the path of a folder to write into, which may not be there yet. */
export function folderToWrite(path: string): string {
  if (path === "") throw new InvalidArgumentError("it is empty; give a folder to write into");
  const there = nearest(path);
  if (kindOf(there) === "file") {
    throw new InvalidArgumentError(`"${there}" is a file; give a folder to write into`);
  }
  return path;
}
