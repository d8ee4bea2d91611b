/** @module */
import type { Definition } from "@precond/core";
import { PrecondOptimizer } from "./optimizer.ts";
import type { PrecondOptions } from "./options.ts";

/**
 * A real `tf.Optimizer` from a chain: for `model.compile`, `minimize` and `applyGradients`.
 *
 * On the cpu, wasm, webgl and webgpu backends the whole update of a variable is one fused kernel; on
 * every other backend the same definition runs as plain tf ops.
 *
 * @throws {RangeError} For options out of range.
 *
 * @example
 * ```ts
 * import * as tf from "@tensorflow/tfjs-core";
 * import "@tensorflow/tfjs-backend-cpu";
 * import "@tensorflow/tfjs-layers"; // registers the gradients
 * import { adam, precond } from "@precond/tfjs";
 * import assert from "node:assert/strict";
 *
 * const x = tf.variable(tf.scalar(0));
 * const optimizer = precond(adam({ learningRate: 0.1 }));
 * for (let i = 0; i < 200; i++) optimizer.minimize(() => tf.square(tf.sub(x, 3)));
 * assert.ok(Math.abs(x.dataSync()[0]! - 3) < 0.05);
 * ```
 */
export function precond(definition: Definition, options: PrecondOptions = {}): PrecondOptimizer {
  return new PrecondOptimizer(definition, options);
}
