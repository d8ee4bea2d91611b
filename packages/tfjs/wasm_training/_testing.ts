/**
 * Helpers of this folder's tests.
 *
 * @module
 */
import { random } from "@precond/testing";
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-layers";
import "./mod.ts";
import assert from "node:assert/strict";

/** A float32 array with its shape. */
export interface Plain {
  readonly shape: number[];
  readonly values: Float32Array;
}

/** Seeded numbers in [−1, 1). */
export function plain(shape: number[], seed: number): Plain {
  const { uniform } = random(seed);
  const values = Float32Array.from(
    { length: tf.util.sizeFromShape(shape) },
    () => 2 * uniform() - 1,
  );
  return { shape, values };
}

/** Runs a kernel of the wasm backend, and checks that no tensor and no data is left. */
export async function runOnWasm(
  kernel: string,
  inputs: Readonly<Record<string, Plain & { readonly dtype?: "float32" | "int32" }>>,
  attrs: Record<string, unknown>,
): Promise<Plain> {
  await tf.setBackend("wasm");
  const before = tf.memory();
  const made = Object.entries(inputs).map(([name, { shape, values, dtype = "float32" }]) =>
    [name, tf.tensor(values, shape, dtype)] as const
  );
  const out = tf.engine().runKernel(
    kernel,
    Object.fromEntries(made),
    attrs as unknown as tf.NamedAttrMap,
  ) as tf.Tensor;
  const result = { shape: out.shape, values: (out.dataSync() as Float32Array).slice() };
  tf.dispose([made.map(([, t]) => t), out]);
  const after = tf.memory();
  assert.equal(after.numTensors, before.numTensors, "no tensor is left");
  assert.equal(after.numDataBuffers, before.numDataBuffers, "no data is left");
  return result;
}

/** Checks the shape, and each value to within `tolerance` of the largest. */
export function assertClose(
  actual: Plain,
  shape: number[],
  expected: ArrayLike<number>,
  tolerance = 2e-6,
): void {
  assert.deepEqual(actual.shape, shape);
  assert.equal(actual.values.length, expected.length);
  let scale = 0, error = 0, at = -1;
  for (let i = 0; i < expected.length; i++) scale = Math.max(scale, Math.abs(expected[i]!));
  for (let i = 0; i < expected.length; i++) {
    const e = Math.abs(actual.values[i]! - expected[i]!);
    if (!(e <= error)) [error, at] = [e, i];
  }
  assert.ok(
    error <= tolerance * Math.max(scale, 1e-6),
    `element ${at} is ${actual.values[at]}, expected ${expected[at]}, largest ${scale}`,
  );
}

/** What `tf.memory()` counts. */
export function tensorMemory(): { tensors: number; data: number } {
  const { numTensors: tensors, numDataBuffers: data } = tf.memory();
  return { tensors, data };
}
