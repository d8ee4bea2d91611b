/**
 * That many updates need no more memory than a hundred, for Deno and for pages.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs-core";
import { empiricalFisher, precond, signalNewton } from "../mod.ts";

/** webgl and webgpu only. */
interface GpuMemory extends tf.MemoryInfo {
  readonly numBytesInGPU?: number;
}

const keys = ["numTensors", "numDataBuffers", "numBytes", "numBytesInGPU"] as const;

/** Updates of a tiny model; throws if memory after them is not what it was after the first 100. */
export async function endure(steps: number): Promise<void> {
  const start = tf.memory();
  const variables = [[4, 3], [3]].map((shape) => tf.tidy(() => tf.variable(tf.ones(shape))));
  const gradients = Object.fromEntries(variables.map((v) => [v.name, tf.fill(v.shape, 0.5)]));
  const optimizer = precond(
    signalNewton({
      curvatureWarmup: 1,
      stepClip: Infinity,
      learningRate: 1e-4,
      curvature: empiricalFisher(),
      scale: "unit-norm",
      pool: "row",
    }),
    { batchSize: 8 },
  );
  let before: GpuMemory | undefined;
  for (let i = 1; i <= steps; i++) {
    optimizer.applyGradients(gradients);
    // Keeps the queue of a GPU short; a read-back has its own buffers, so it comes before, too.
    if (i % 50 === 0) await variables[0]!.data();
    if (i === 100) before = tf.memory();
  }
  const after: GpuMemory = tf.memory();
  for (const key of keys) {
    if (after[key] !== before![key]) {
      throw new Error(
        `${key} is ${after[key]} after ${steps} steps, expected ${before![key]} as after 100`,
      );
    }
  }
  optimizer.dispose();
  tf.dispose([variables, gradients]);
  const left = tf.memory().numTensors - start.numTensors;
  if (left !== 0) throw new Error(`${left} tensors are left`);
}
