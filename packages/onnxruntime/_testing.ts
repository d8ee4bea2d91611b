/**
 * What tests of trainers share.
 *
 * @module
 */
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Ort } from "./ort.ts";

export { block, cnn, mlp, type TestNetwork } from "./networks/_testing.ts";

const require = createRequire(import.meta.url);

/** onnxruntime-node. */
export const nodeOrt = require("onnxruntime-node") as Ort;

/** onnxruntime-web 1.19.2, the last with training: the real TrainingSession. */
// deno-lint-ignore no-explicit-any -- it has no types for its training build
export async function openOracle(): Promise<any> {
  // Its export map hides the training build from Node: by file path.
  const dist = dirname(require.resolve("onnxruntime-web-training"));
  const ort = await import(pathToFileURL(join(dist, "ort.training.wasm.mjs")).href);
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = "error";
  return ort;
}
