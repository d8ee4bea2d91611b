/**
 * float16 tensors on onnxruntime-node.
 *
 * @module
 */
import type { Tensor } from "./ort.ts";

/**
 * Calls `run` while the elements of float16 tensors are given as their bits.
 *
 * Where Float16Array exists (Node.js 24, Deno), onnxruntime-common makes every float16 tensor's elements
 * one, and onnxruntime-node 1.30 takes its length for 0: "not enough space". It takes a Uint16Array over
 * the same memory.
 */
export async function withHalvesAsBits<T>(
  tensors: readonly (Tensor | null)[],
  run: () => Promise<T>,
): Promise<T> {
  const halves = new Map<{ cpuData: unknown }, unknown>();
  for (const tensor of tensors) {
    if (tensor?.type !== "float16" || tensor.location !== "cpu") continue;
    const data = tensor.data as Uint16Array;
    if (Object.prototype.toString.call(data) === "[object Uint16Array]") continue;
    // The field behind `data`.
    const own = tensor as unknown as { cpuData: unknown };
    halves.set(own, data);
    own.cpuData = new Uint16Array(data.buffer, data.byteOffset, data.length);
  }
  try {
    return await run();
  } finally {
    for (const [tensor, data] of halves) tensor.cpuData = data;
  }
}
