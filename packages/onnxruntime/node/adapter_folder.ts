/** @module */
import { writeFileAtomically } from "@precond/onnx/node";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { CONFIG, ONNX, WEIGHTS } from "../saving/adapter_files.ts";
import type { SaveAdapterOptions } from "../trainer/options.ts";
import type { Trainer } from "../trainer/trainer.ts";

/**
 * Saves a trainer's adapters into a folder, which is made if need be: what
 * `PeftModel.from_pretrained(model, folder)` takes, or with `format: "onnx"` an `.onnx_adapter`. Each
 * file is there whole, or as it was.
 *
 * @throws {TypeError} For a model without adapters.
 *
 * @example
 * ```ts
 * import type { Trainer } from "@precond/onnxruntime";
 * import { loadAdapterFolder, saveAdapterFolder } from "@precond/onnxruntime/node";
 *
 * async function swap(trainer: Trainer, mine: string, theirs: string): Promise<void> {
 *   await saveAdapterFolder(trainer, mine);
 *   await loadAdapterFolder(trainer, theirs);
 * }
 * ```
 */
export async function saveAdapterFolder(
  trainer: Pick<Trainer, "saveAdapter">,
  folder: string,
  options: SaveAdapterOptions = {},
): Promise<void> {
  const files = await trainer.saveAdapter(options);
  await mkdir(folder, { recursive: true });
  for (const [name, bytes] of Object.entries(files)) {
    await writeFileAtomically(join(folder, name), bytes);
  }
}

/**
 * Swaps a trainer's adapters for those in a folder: of {@linkcode saveAdapterFolder}, or PEFT's
 * `save_pretrained()`.
 *
 * @throws {TypeError} For a folder without an adapter; nothing has changed then.
 * @throws {OnnxError} For adapters of other layers, of higher rank, or that are not plain LoRA.
 */
export async function loadAdapterFolder(
  trainer: Pick<Trainer, "loadAdapter">,
  folder: string,
): Promise<void> {
  const files = await Promise.all([WEIGHTS, CONFIG, ONNX].map(async (name) => {
    try {
      return [[name, new Uint8Array(await readFile(join(folder, name)))] as const];
    } catch (cause) {
      if ((cause as { code?: string }).code === "ENOENT") return [];
      throw cause;
    }
  }));
  if (files.flat().every(([name]) => name === CONFIG)) {
    throw new TypeError(
      `Cannot load the adapter: the folder "${folder}" has neither "${WEIGHTS}" nor "${ONNX}"`,
    );
  }
  trainer.loadAdapter(Object.fromEntries(files.flat()));
}
