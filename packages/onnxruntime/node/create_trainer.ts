/**
 * Trainers of model files.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { ModelSource } from "../graphs/source.ts";
import type { Ort } from "../hosts/ort.ts";
import type { TrainerOptions } from "../trainer/options.ts";
import { Trainer } from "../trainer/trainer.ts";
import { readAt } from "./read_at.ts";

/**
 * Trains the model in a file. Tensors that it keeps in other files are read from beside it.
 *
 * @param path Of the `.onnx` file.
 * @param source The loss, or the output that is the loss; see `Trainer.create()`.
 * @throws {Error} For a file that cannot be read, with the system's code.
 * @throws {OnnxError} For tensors whose file is not there, or is too short.
 *
 * @example
 * ```ts
 * import { createTrainerFromFile } from "@precond/onnxruntime/node";
 * import * as ort from "onnxruntime-node";
 *
 * const open = (path: string) =>
 *   createTrainerFromFile(ort, path, { loss: { type: "crossEntropy" } });
 * ```
 */
export async function createTrainerFromFile(
  ort: Ort,
  path: string,
  source: Omit<ModelSource, "model" | "externalData">,
  options?: TrainerOptions,
): Promise<Trainer> {
  const model = await readAt("create a trainer", path);
  const files = new Map<string, Uint8Array>();
  const externalData = (location: string, offset: number, length: number | undefined) => {
    const file = files.get(location) ?? readFileSync(join(dirname(path), location));
    files.set(location, file);
    return file.subarray(offset, length === undefined ? undefined : offset + length);
  };
  return await Trainer.create(ort, { ...source, model, externalData }, options);
}
