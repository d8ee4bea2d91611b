/**
 * Files, for hosts with `node:fs`: Node.js, Deno, Bun.
 *
 * @module
 */
export { loadFile, saveFile } from "./trainer_file.ts";
