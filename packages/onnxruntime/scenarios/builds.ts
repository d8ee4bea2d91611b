/**
 * What tests of trainers share.
 *
 * @module
 */
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Ort } from "../hosts/ort.ts";

export { block, cnn, mlp, type TestNetwork } from "./networks.ts";

const require = createRequire(import.meta.url);

/** onnxruntime-node. */
export const nodeOrt = require("onnxruntime-node") as Ort;

/** onnxruntime-web with WebGPU, whose device is there after the first session. */
export type GpuOrt = Ort & { readonly env: { readonly webgpu: { device: Promise<GPUDevice> } } };

/** The WebGPU build of onnxruntime-web; says only what is fatal. */
export async function gpuOrt(): Promise<GpuOrt> {
  // The package's export map gives Deno the build without WebGPU: by file path.
  const dist = dirname(require.resolve("onnxruntime-web"));
  const ort = await import(pathToFileURL(join(dist, "ort.webgpu.bundle.min.mjs")).href);
  ort.env.logLevel = "fatal";
  return ort;
}

/** How many buffers of ONNX Runtime's device `run` makes and does not destroy. */
export async function buffersLeftBy({ env }: GpuOrt, run: () => Promise<void>): Promise<number> {
  const device = await env.webgpu.device;
  let alive = 0;
  const { createBuffer } = device;
  device.createBuffer = function (options: GPUBufferDescriptor) {
    const buffer = createBuffer.call(this, options);
    alive++;
    const { destroy } = buffer;
    buffer.destroy = function () {
      alive--;
      return destroy.call(this);
    };
    return buffer;
  };
  try {
    await run();
  } finally {
    device.createBuffer = createBuffer;
  }
  return alive;
}

/** onnxruntime-web 1.19.2, the last with training: the real TrainingSession. */
// deno-lint-ignore no-explicit-any -- it has no types for its training build
export async function openOracle(): Promise<any> {
  // Its export map hides the training build from Node: by file path.
  const dist = dirname(require.resolve("onnxruntime-web-training"));
  const ort = await import(pathToFileURL(join(dist, "ort.training.wasm.mjs")).href);
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = "error";
  return ort;
}
