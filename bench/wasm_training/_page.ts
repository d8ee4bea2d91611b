/**
 * The page that wasm_training.ts opens in Chromium.
 *
 * @module
 */
import { setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import "@tensorflow/tfjs-backend-webgl";
import * as tf from "@tensorflow/tfjs-core";
import { gpuName, startGpu } from "../gpu.ts";

export { measureBeside } from "./networks.ts";

setWasmPaths("/wasm/");

/** Starts both backends; says what computes for webgl. */
export async function start(): Promise<string> {
  await tf.setBackend("wasm");
  await tf.ready();
  await startGpu("webgl");
  return gpuName();
}
