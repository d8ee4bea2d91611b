/**
 * The plainest host of core's WebGPU kernels, for conformance tests.
 *
 * @module
 */
import { type Backend, checkProduct, layout } from "@precond/core/backend";
import { webgpuKernel, type WebgpuProducts, webgpuProducts } from "@precond/core/webgpu";

/** A storage buffer of float32 values. */
export interface GpuArray {
  readonly buffer: GPUBuffer;
  readonly length: number;
}

const usage = 0x80 | 0x04 | 0x08; // STORAGE | COPY_SRC | COPY_DST

/** A backend whose arrays are buffers of the device. */
export function webgpuBackend(device: GPUDevice): Backend<GpuArray> {
  const write = (values: Float32Array, shape: readonly number[]): GpuArray => {
    const { rows, columns } = layout(shape);
    const length = rows * columns;
    // A buffer that is bound must not be empty.
    const buffer = device.createBuffer({ size: Math.max(16, length * 4), usage });
    // Deno 2.9 ends with a panic if nothing is written.
    if (length > 0) device.queue.writeBuffer(buffer, 0, values.slice());
    return { buffer, length };
  };
  let products: WebgpuProducts | undefined;
  return {
    name: "webgpu",
    compile(program) {
      const kernel = webgpuKernel(program, device as never);
      return {
        run(calls) {
          const buffers = (arrays: readonly GpuArray[]) => arrays.map((a) => a.buffer);
          kernel.run(calls.map((call) => ({
            ...call,
            inputs: buffers(call.inputs),
            outputs: buffers(call.outputs),
          })));
          return calls.map(({ outputs }) => ({ outputs, held: false }));
        },
      };
    },
    multiply(calls) {
      for (const call of calls) checkProduct(call, ({ length }) => length);
      products ??= webgpuProducts(device as never);
      products.run(calls.map((call) => ({
        ...call,
        a: call.a.buffer,
        b: call.b.buffer,
        out: call.out.buffer,
      })));
      return calls.map(({ out }) => out);
    },
    allocate(shape, fill) {
      const { rows, columns } = layout(shape);
      return write(new Float32Array(rows * columns).fill(fill), shape);
    },
    write,
    copy(calls) {
      const encoder = device.createCommandEncoder();
      const copies = calls.map(({ from, shape, into = write(new Float32Array(), shape) }) => {
        encoder.copyBufferToBuffer(from.buffer, 0, into.buffer, 0, from.buffer.size);
        return into;
      });
      device.queue.submit([encoder.finish()]);
      return copies;
    },
    async read({ buffer, length }) {
      const staging = device.createBuffer({ size: buffer.size, usage: 0x01 | 0x08 });
      const encoder = device.createCommandEncoder();
      encoder.copyBufferToBuffer(buffer, 0, staging, 0, buffer.size);
      device.queue.submit([encoder.finish()]);
      await staging.mapAsync(0x01);
      const values = new Float32Array(staging.getMappedRange().slice(0, length * 4));
      staging.destroy();
      return values;
    },
    dispose: ({ buffer }) => buffer.destroy(),
  };
}
