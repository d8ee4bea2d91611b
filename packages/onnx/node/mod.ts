/**
 * Files, for hosts with `node:fs`: Node.js, Deno, Bun.
 *
 * @module
 */
export { readCheckpointFile, writeCheckpointFile } from "./checkpoint_file.ts";
export { writeFileAtomically } from "./write_file_atomically.ts";
