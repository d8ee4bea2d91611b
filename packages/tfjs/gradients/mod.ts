/**
 * First gradients that TensorFlow.js has wrong, put right. Importing it registers them; nothing else
 * in a program changes. `@tensorflow/tfjs-layers`, or the umbrella package, comes first.
 *
 * @example
 * ```ts
 * import * as tf from "@tensorflow/tfjs-core";
 * import "@tensorflow/tfjs-backend-cpu";
 * import "@tensorflow/tfjs-layers";
 * import "@precond/tfjs/gradients";
 * import assert from "node:assert/strict";
 *
 * // The last window has one place inside: its mean is that place.
 * const f = (x: tf.Tensor) => tf.sum(tf.avgPool(x as tf.Tensor4D, [1, 2], [1, 2], "same"));
 * const gradient = tf.grad(f)(tf.ones([1, 1, 3, 1]));
 * assert.deepEqual([...gradient.dataSync()], [0.5, 0.5, 1]); // .5 at the end, by tfjs alone
 * ```
 *
 * @module
 */
import { enableGradients } from "./enable.ts";

export { disableGradients, enableGradients } from "./enable.ts";

enableGradients();
