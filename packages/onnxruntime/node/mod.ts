/**
 * Files, for hosts with `node:fs`: Node.js, Deno, Bun.
 *
 * @module
 */
export { createTrainerFromFile } from "./create_trainer.ts";
export { loadFile, saveFile } from "./trainer_file.ts";
