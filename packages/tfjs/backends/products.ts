/**
 * Matrix products on tf tensors.
 *
 * @module
 */
import type { ProductCall } from "@precond/core/backend";
import type * as tf from "@tensorflow/tfjs-core";
import { activeBackend, partFor } from "../parts/registry.ts";

/** Products on the active backend: where its memory can be reached in place, otherwise by tf.matMul. */
export function multiplyTensors(calls: readonly ProductCall<tf.Tensor>[]): readonly tf.Tensor[] {
  return activeBackend()?.multiply?.(calls)
    ? calls.map(({ out }) => out)
    : partFor("ops", "multiply matrices").multiply(calls);
}
