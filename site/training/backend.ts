import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import { setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import "@tensorflow/tfjs-backend-webgpu";
import "@tensorflow/tfjs-layers"; // registers the gradients

/**
 * Makes the wanted backend the active one, else the next that this browser has.
 *
 * @param wasmFiles The folder of the backend's WebAssembly files.
 * @returns The one that runs.
 */
export async function startBackend(wanted: string, wasmFiles: string): Promise<string> {
  if (tf.getBackend() === wanted) return wanted;
  setWasmPaths(wasmFiles);
  const order = ["webgpu", "wasm", "cpu"];
  for (const name of order.slice(Math.max(0, order.indexOf(wanted)))) {
    // tfjs itself may only say false.
    const started = await tf.setBackend(name).catch(() => false);
    if (started && tf.getBackend() === name) return name;
  }
  throw new Error("Cannot train: TensorFlow.js starts no backend here; use a current browser");
}
