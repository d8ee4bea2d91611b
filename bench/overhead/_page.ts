/**
 * The page that overhead.ts opens in Chromium.
 *
 * @module
 */
import "@tensorflow/tfjs-backend-webgl";
import "@tensorflow/tfjs-backend-webgpu";
import { startGpu } from "../gpu.ts";

export { measureGpu } from "./measure_gpu.ts";
export const start: typeof startGpu = startGpu;
