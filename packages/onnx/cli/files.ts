/** @module */
import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import { Buffer } from "node:buffer";
import { basename, dirname, join } from "node:path";
import process from "node:process";
import { Presets, SingleBar } from "cli-progress";
import { readArtifacts } from "../artifacts/read_artifacts.ts";
import { resolveExternalData } from "../model/external_data.ts";
import { OnnxError } from "../model/onnx_error.ts";
import { readModel, writeModel } from "../model/read_model.ts";
import { tensorsOf } from "../model/tensors_of.ts";
import { writeFileAtomically } from "../node/write_file_atomically.ts";
import { refuseOverwriting } from "./overwriting.ts";
import type { ModelProto, TensorProto } from "../proto/onnx_pb.ts";

/** Files from this size on show how far they are read. */
const BIG = 64 * 2 ** 20;
const PART = 16 * 2 ** 20;

/** A model as it lies on the disk. */
export interface ModelFile {
  readonly model: ModelProto;
  /** Size of what was read, without data files. */
  readonly bytes: number;
  /** Whether large tensors are in files of their own. */
  readonly external: boolean;
  /** What it was read from, and what belongs to it: not to be written over. */
  readonly files: readonly string[];
  /** Data files that are not there; the tensors in them have no elements then. */
  readonly missing?: readonly string[];
  /** Of training artifacts: what they train, by what. */
  readonly training?: { readonly loss: string; readonly trainable: readonly string[] };
}

/** Whether a path is a folder. */
export function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

const exists = (path: string) => statSync(path, { throwIfNoEntry: false }) !== undefined;

/** The checkpoint in a folder of training artifacts: two names of it are in use. */
export function checkpointIn(folder: string): string {
  const [path, older] = [join(folder, "checkpoint"), join(folder, "checkpoint.ckpt")];
  return !exists(path) && exists(older) ? older : path;
}

/** The files of a folder of artifacts, which belong together. */
export const artifactsIn = (folder: string): string[] => [
  ...["training_model.onnx", "eval_model.onnx", "optimizer_model.onnx"].map((f) => join(folder, f)),
  checkpointIn(folder),
];

/**
 * Reads a model, or of a folder the forward pass of the training artifacts in it.
 *
 * @param elements Whether data files must be there. Default true.
 */
export function readModelOrArtifacts(path: string, elements: boolean = true): ModelFile {
  if (!isFolder(path)) return readModelFile(path, elements);
  const [trainingPath, checkpointPath] = [join(path, "training_model.onnx"), checkpointIn(path)];
  for (const file of [trainingPath, checkpointPath]) {
    if (exists(file)) continue;
    throw new OnnxError(
      `Cannot read the folder "${path}" as training artifacts: it has no ${
        basename(file)
      }; give a ` +
        "model file, or a folder that `precond-onnx artifacts` or ONNX Runtime's generator wrote",
    );
  }
  const [training, checkpoint] = [readBytes(trainingPath), readBytes(checkpointPath)];
  const { model, loss, trainable } = readArtifacts({ training, checkpoint });
  return {
    model,
    bytes: training.length + checkpoint.length,
    external: false,
    files: artifactsIn(path),
    training: { loss, trainable },
  };
}

/**
 * Reads a model and, from files beside it, the tensors that it keeps there.
 *
 * @param elements Whether those files must be there. Default true.
 */
export function readModelFile(path: string, elements: boolean = true): ModelFile {
  const bytes = readBytes(path);
  const model = readModel(bytes);
  const apart = [...tensorsOf(model)].filter((t) => t.dataLocation === 1);
  const external = apart.length > 0;
  const isThere = (location: string) => exists(join(dirname(path), location));
  const missing = elements ? [] : [...new Set(apart.map(locationOf))].filter((l) => !isThere(l));
  const data = [...new Set(apart.map(locationOf))].map((l) => join(dirname(path), l));
  const read = { model, bytes: bytes.length, external, files: [path, ...data] };
  if (missing.length > 0) return { ...read, missing };
  if (external) {
    const files = new Map<string, Uint8Array>();
    // Paths that leave the folder are refused before this asks for them.
    resolveExternalData(model, (location, offset, length) => {
      const file = files.get(location) ?? readBytes(join(dirname(path), location));
      files.set(location, file);
      return file.subarray(offset, length === undefined ? undefined : offset + length);
    });
  }
  return read;
}

const locationOf = (tensor: TensorProto) =>
  tensor.externalData.find(({ key }) => key === "location")?.value ?? "";

/** Reads a file, with a bar on a terminal if it is big. */
export function readBytes(path: string): Uint8Array {
  if (path === "") throw new OnnxError("Cannot read a file: its path is empty; give one");
  const file = openSync(path, "r");
  try {
    const stat = fstatSync(file);
    if (stat.isDirectory()) {
      throw new OnnxError(`Cannot read "${path}": it is a folder; give a file in it`);
    }
    // A pipe or a device has no size before its end.
    if (!stat.isFile()) return readToEnd(file);
    const bytes = new Uint8Array(stat.size);
    const bar = stat.size >= BIG && process.stderr.isTTY
      ? new SingleBar({
        format: `Reading ${basename(path)} {bar} {percentage} % · {value} of {total} MiB`,
        stream: process.stderr,
        clearOnComplete: true,
        hideCursor: true,
        // The signal's default ends the program already.
        gracefulExit: false,
      }, Presets.shades_classic)
      : undefined;
    bar?.start(Math.ceil(stat.size / 2 ** 20), 0);
    try {
      let at = 0;
      while (at < bytes.length) {
        const read = readSync(file, bytes, at, Math.min(PART, bytes.length - at), at);
        if (read === 0) {
          throw new OnnxError(`Cannot read "${path}": it became shorter`, { offset: at });
        }
        at += read;
        bar?.update(Math.ceil(at / 2 ** 20));
      }
    } finally {
      bar?.stop();
    }
    return bytes;
  } finally {
    closeSync(file);
  }
}

function readToEnd(file: number): Uint8Array {
  const parts: Uint8Array[] = [];
  for (;;) {
    const part = new Uint8Array(2 ** 16);
    let count: number;
    try {
      count = readSync(file, part, 0, part.length, null);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // Of a pipe that is not blocking, and has nothing yet.
      if (code === "EAGAIN") {
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
        continue;
      }
      if (code === "EOF") break;
      throw error;
    }
    if (count === 0) break;
    parts.push(part.subarray(0, count));
  }
  return new Uint8Array(Buffer.concat(parts));
}

/** What {@linkcode writeModelFile} is told of the files that were read. */
export interface WriteOptions {
  /** Whether large tensors go to a file of their own. */
  readonly external: boolean;
  /** What is not to be written over. */
  readonly inputs: readonly string[];
}

/** Writes a model, in the manner of the one that it comes from: with a data file or without. */
export async function writeModelFile(
  path: string,
  model: ModelProto,
  { external, inputs }: WriteOptions,
): Promise<void> {
  if (!external) {
    refuseOverwriting([path], inputs);
    await writeFileAtomically(path, writeModel(model));
    return;
  }
  const location = `${basename(path)}.data`;
  refuseOverwriting([path, join(dirname(path), location)], inputs);
  const { bytes, data } = writeModel(model, { externalData: { location } });
  // The model last, so that it never refers to what is not there.
  if (data.length > 0) await writeFileAtomically(join(dirname(path), location), data);
  await writeFileAtomically(path, bytes);
}

/** 1536 → "1.5 KiB". */
export function sizeText(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB"];
  let k = 0;
  for (; bytes >= 1024 && k < units.length - 1; k++) bytes /= 1024;
  return `${k === 0 ? bytes : bytes.toFixed(1)} ${units[k]}`;
}
