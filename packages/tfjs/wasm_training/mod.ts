/**
 * Trains convolutions, embeddings and everything else on TensorFlow.js's wasm backend. Importing it
 * registers what the backend lacks or has wrong; nothing else in a program changes.
 *
 * @example
 * ```ts
 * import * as tf from "@tensorflow/tfjs-core";
 * import * as layers from "@tensorflow/tfjs-layers";
 * import "@precond/tfjs/wasm_training";
 *
 * await tf.setBackend("wasm");
 * const model = layers.sequential();
 * model.add(layers.layers.conv2d({ inputShape: [8, 8, 1], filters: 4, kernelSize: 3 }));
 * model.add(layers.layers.flatten());
 * model.add(layers.layers.dense({ units: 1 }));
 * model.compile({ optimizer: "sgd", loss: "meanSquaredError" });
 * await model.fit(tf.ones([4, 8, 8, 1]), tf.ones([4, 1]), { epochs: 1, verbose: 0 });
 * ```
 *
 * @module
 */
// First, so that its registrations do not replace ours.
import "@tensorflow/tfjs-backend-wasm";
import { enableWasmTraining } from "./enable.ts";

export {
  disableWasmTraining,
  enableWasmTraining,
  type WasmKernelState,
  wasmTrainingKernels,
} from "./enable.ts";

enableWasmTraining();
