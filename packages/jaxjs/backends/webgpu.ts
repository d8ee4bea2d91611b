/**
 * Fused kernels and products on the buffers of jax-js's WebGPU backend; nothing is read back.
 *
 * @module
 */
import { type Array, defaultDevice, getWebGPUDevice, numpy as np } from "@jax-js/jax";
import type { CopyCall, Kernel, ProductCall, Program } from "@precond/core/backend";
import {
  type GpuBuffer,
  type GpuDevice,
  webgpuKernel,
  type WebgpuProducts,
  webgpuProducts,
} from "@precond/core/webgpu";

const deviceOf = () => getWebGPUDevice() as unknown as GpuDevice;
/** Submits what is pending, and leaves the array to its owner. */
const bufferOf = (array: Array) => array.ref.gpuBufferSync() as unknown as GpuBuffer;

/** A new array whose buffer nothing else shares. */
export function blankOnWebgpu(shape: readonly number[]): Array {
  const array = np.zeros([...shape], defaultDevice() === "webgpu" ? {} : { device: "webgpu" });
  bufferOf(array);
  return array;
}

/**
 * A kernel on arrays of the WebGPU backend; outputs are written in place. Undefined if the device
 * allows too few storage buffers for this program.
 */
export function webgpuKernelFor(program: Program): Kernel<Array> | undefined {
  let kernel: ReturnType<typeof webgpuKernel>;
  try {
    kernel = webgpuKernel(program, deviceOf());
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
  return {
    run(calls) {
      kernel.run(calls.map((call) => ({
        ...call,
        inputs: call.inputs.map(bufferOf),
        outputs: call.outputs.map(bufferOf),
      })));
      return calls.map(({ outputs }) => ({ outputs, held: false }));
    },
    dispose: kernel.dispose,
  };
}

let products: WebgpuProducts | undefined;

/** Products of arrays of the WebGPU backend, written in place. */
export function multiplyOnWebgpu(calls: readonly ProductCall<Array>[]): void {
  products ??= webgpuProducts(deviceOf());
  products.run(calls.map((call) => ({
    ...call,
    a: bufferOf(call.a),
    b: bufferOf(call.b),
    out: bufferOf(call.out),
  })));
}

/** Copies, bit by bit. */
export function copyOnWebgpu(calls: readonly CopyCall<Array>[]): Array[] {
  const device = getWebGPUDevice();
  const encoder = device.createCommandEncoder();
  const copies = calls.map(({ from, shape, into = blankOnWebgpu(shape) }) => {
    const [source, target] = [bufferOf(from), bufferOf(into)] as unknown as GPUBuffer[];
    if (from.size > 0) encoder.copyBufferToBuffer(source!, 0, target!, 0, 4 * from.size);
    return into;
  });
  device.queue.submit([encoder.finish()]);
  return copies;
}

/** The values at the call, whatever is written afterwards. */
export async function readOnWebgpu(array: Array): Promise<Float32Array> {
  const size = 4 * array.size;
  if (size === 0) return new Float32Array();
  const device = getWebGPUDevice();
  const source = bufferOf(array) as unknown as GPUBuffer;
  const staging = device.createBuffer({ size, usage: 0x01 | 0x08 }); // MAP_READ | COPY_DST
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(source, 0, staging, 0, size);
  device.queue.submit([encoder.finish()]);
  try {
    await staging.mapAsync(0x01);
    return new Float32Array(staging.getMappedRange().slice(0));
  } finally {
    staging.destroy();
  }
}
