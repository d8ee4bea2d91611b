/**
 * The page that step.ts opens in Chromium.
 *
 * @module
 */
import "@tensorflow/tfjs-backend-webgl";
import "@tensorflow/tfjs-backend-webgpu";
import { startGpu } from "../gpu.ts";
import { fetchDigits } from "../problems/digits.ts";

export { measureStep } from "./measure.ts";

/** Starts the backend and fetches the data. */
export async function start(backend: string): Promise<void> {
  await startGpu(backend);
  await fetchDigits("/digits/");
}
