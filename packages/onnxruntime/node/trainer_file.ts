/** @module */
import { writeFileAtomically } from "@precond/onnx/node";
import type { Trainer } from "../trainer/trainer.ts";
import type { SaveOptions } from "../trainer/options.ts";
import { readAt } from "./read_at.ts";

/**
 * Saves a trainer so that at any moment, also after a crash, the path holds the old file or the new
 * one, whole.
 *
 * @param options Default: `{ format: "checkpoint" }` for a path that ends in ".ckpt" or is called
 *   "checkpoint", safetensors otherwise.
 *
 * @example
 * ```ts
 * import type { Trainer } from "@precond/onnxruntime";
 * import { loadFile, saveFile } from "@precond/onnxruntime/node";
 *
 * async function resume(trainer: Trainer): Promise<void> {
 *   await loadFile(trainer, "run.safetensors");
 * }
 * const keep = (trainer: Trainer) => saveFile(trainer, "run.safetensors");
 * ```
 */
export async function saveFile(
  trainer: Pick<Trainer, "save">,
  path: string,
  options: SaveOptions = /(\.ckpt|(^|[\\/])checkpoint)$/.test(path) ? { format: "checkpoint" } : {},
): Promise<void> {
  await writeFileAtomically(path, await trainer.save(options));
}

/**
 * Restores a trainer from a file of {@linkcode saveFile}, or the parameters from a checkpoint of
 * ONNX Runtime.
 *
 * @throws {TypeError} For a file that belongs to another model or optimizer; nothing has changed then.
 */
export async function loadFile(trainer: Pick<Trainer, "load">, path: string): Promise<void> {
  trainer.load(await readAt("load", path));
}
