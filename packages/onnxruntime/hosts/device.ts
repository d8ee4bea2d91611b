/**
 * ONNX Runtime's WebGPU device, as far as it is used here.
 *
 * @module
 */
import type { GpuBuffer, GpuDevice } from "@precond/core/webgpu";

/** What is used of a WebGPU device besides what core's kernels use. */
export interface Device extends GpuDevice {
  readonly lost: Promise<{ readonly message: string }>;
  createBuffer(options: { size: number; usage: number }): MappableBuffer;
  createCommandEncoder(): ReturnType<GpuDevice["createCommandEncoder"]> & {
    copyBufferToBuffer(
      from: GpuBuffer,
      fromOffset: number,
      to: GpuBuffer,
      toOffset: number,
      size: number,
    ): void;
  };
}

/** A buffer that can be read back. */
export interface MappableBuffer extends GpuBuffer {
  mapAsync(mode: number): Promise<void>;
  getMappedRange(): ArrayBuffer;
}
