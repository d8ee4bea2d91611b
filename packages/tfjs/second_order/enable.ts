/** @module */
import * as tf from "@tensorflow/tfjs-core";
import { gradients } from "./gradients/all.ts";
import { hookTape } from "./tape_hook.ts";

let users = 0;
let undo: (() => void) | undefined;

/**
 * Makes gradients of gradients right in all of TensorFlow.js, until the returned function is
 * called: for code that nests `tf.grad`, `tf.variableGrads` and the like.
 * {@linkcode hessianVectorProduct} does it by itself while it runs.
 *
 * The gradient registry and the tape are global, hence opt-in. Gradients that TensorFlow.js lacks
 * are registered (convolution filters, pooling, elu, comparisons, resizing), saved outputs stay
 * connected to their inputs (tanh, sigmoid, exp, softmax, …), and a backward pass that is itself
 * differentiated refuses operations that are not verified. First gradients stay as they were,
 * but for two that TensorFlow.js has wrong: cumsum along other axes than the last, and avgPool where
 * windows hang over the border.
 *
 * @returns Puts the originals back, once everyone who has enabled has called theirs.
 * @throws {TypeError} If TensorFlow.js has no gradients registered. With the pack enabled,
 * differentiating a recorded backward pass throws it too, naming the operation and a replacement.
 *
 * @example
 * ```ts
 * import * as tf from "@tensorflow/tfjs-core";
 * import "@tensorflow/tfjs-backend-cpu";
 * import "@tensorflow/tfjs-layers"; // registers the gradients
 * import { enableSecondOrder } from "@precond/tfjs/second_order";
 * import assert from "node:assert/strict";
 *
 * const restore = enableSecondOrder();
 * const second = tf.grad(tf.grad((x) => tf.tanh(x)));
 * const t = Math.tanh(0.5); // tanh″ = −2 t (1 − t²)
 * assert.ok(Math.abs(second(tf.scalar(0.5)).dataSync()[0]! + 2 * t * (1 - t * t)) < 1e-6);
 * restore();
 * ```
 */
export function enableSecondOrder(): () => void {
  if (users === 0) undo = install();
  users++;
  let restored = false;
  return () => {
    if (restored) return;
    restored = true;
    if (--users > 0) return;
    undo!();
    undo = undefined;
  };
}

function install(): () => void {
  if (!tf.getGradient("Add")) {
    throw new TypeError(
      'Cannot enable second order: TensorFlow.js has no gradients; import "@tensorflow/tfjs-layers" or "@tensorflow/tfjs" first',
    );
  }
  const unhook = hookTape();
  const originals = gradients.map(({ kernelName }) => tf.getGradient(kernelName));
  const replace = (kernelName: string, config: tf.GradConfig | undefined) => {
    // Unregistered first, since tfjs warns in debug mode when one is replaced.
    if (tf.getGradient(kernelName)) tf.unregisterGradient(kernelName);
    if (config) tf.registerGradient(config);
  };
  for (const config of gradients) replace(config.kernelName, config);
  return () => {
    unhook();
    gradients.forEach((config, i) => {
      // What somebody else has registered meanwhile stays.
      if (tf.getGradient(config.kernelName) === config) replace(config.kernelName, originals[i]);
    });
  };
}
