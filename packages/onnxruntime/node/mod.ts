/**
 * Files, for hosts with `node:fs`: Node.js, Deno, Bun.
 *
 * @module
 */
export { loadAdapterFolder, saveAdapterFolder } from "./adapter_folder.ts";
export { createTrainerFromFile } from "./create_trainer.ts";
export { loadFile, saveFile } from "./trainer_file.ts";
