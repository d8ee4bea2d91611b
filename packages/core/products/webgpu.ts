/**
 * Matrix products on any WebGPU device; nothing is read back.
 *
 * @module
 */
import type { ProductCall } from "../driver/backend.ts";
import type { GpuBuffer, GpuDevice } from "../driver/webgpu_kernel.ts";
import { productUniforms, wgslProduct, wgslTile } from "./wgsl.ts";

const uniformUsage = 0x40 | 0x08; // UNIFORM | COPY_DST
/** Buffers of sizes that are kept; a model has a few products for each of its shapes. */
const kept = 512;

/** Compiled for one device. */
export interface WebgpuProducts {
  /** Encodes and submits the products, none of which reads what another of them writes. */
  run(calls: readonly ProductCall<GpuBuffer>[]): void;
  /** Frees what it keeps between calls. */
  dispose(): void;
}

/** Compiles matrix products for the device. Sums are taken in float32. */
export function webgpuProducts(device: GpuDevice): WebgpuProducts {
  const pipeline = device.createComputePipeline({
    layout: "auto",
    compute: { module: device.createShaderModule({ code: wgslProduct }), entryPoint: "main" },
  });
  const layout = pipeline.getBindGroupLayout(0);
  const shapes = new Map<string, GpuBuffer>();
  const shapeOf = (call: ProductCall<GpuBuffer>): GpuBuffer => {
    const data = productUniforms(call);
    const key = data.join();
    let buffer = shapes.get(key);
    // Most recently used last.
    shapes.delete(key);
    if (!buffer) {
      buffer = device.createBuffer({ size: data.byteLength, usage: uniformUsage });
      device.queue.writeBuffer(buffer, 0, data.buffer);
    }
    shapes.set(key, buffer);
    return buffer;
  };
  return {
    run(given) {
      const calls = given.filter(({ rows, columns }) => rows * columns > 0);
      if (calls.length === 0) return;
      const commands = device.createCommandEncoder();
      const pass = commands.beginComputePass();
      pass.setPipeline(pipeline);
      for (const call of calls) {
        const buffers = [shapeOf(call), call.a, call.b, call.out];
        pass.setBindGroup(
          0,
          device.createBindGroup({
            layout,
            entries: buffers.map((buffer, binding) => ({ binding, resource: { buffer } })),
          }),
        );
        pass.dispatchWorkgroups(
          Math.ceil(call.columns / wgslTile),
          Math.ceil(call.rows / wgslTile),
        );
      }
      pass.end();
      device.queue.submit([commands.finish()]);
      for (const [key, buffer] of shapes) {
        if (shapes.size <= kept) break;
        buffer.destroy();
        shapes.delete(key);
      }
    },
    dispose() {
      for (const buffer of shapes.values()) buffer.destroy();
      shapes.clear();
    },
  };
}
