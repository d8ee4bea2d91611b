/** @module */
import type { InferenceSession, Ort } from "./ort.ts";

/**
 * Threads that compute one operator on the CPU, once a session was opened: what WebAssembly settled
 * on, else what the caller asks for, else the cores. Where nobody says how many these are (Node.js
 * 20), there is more than one.
 */
export function threadsOf(
  { env }: Ort,
  { intraOpNumThreads }: InferenceSession.SessionOptions = {},
  cores: number = globalThis.navigator?.hardwareConcurrency ?? 2,
): number {
  const { wasm } = env as { readonly wasm?: { readonly numThreads?: number } };
  return wasm?.numThreads || intraOpNumThreads || cores;
}
