/** @module */
import { type Backend, checkProduct, layout } from "@precond/core/backend";
import {
  type GpuBuffer,
  webgpuKernel,
  type WebgpuProducts,
  webgpuProducts,
} from "@precond/core/webgpu";
import { buildModel } from "@precond/onnx/on_demand";
import { createSession, type Session } from "./create_session.ts";
import type { Device } from "./device.ts";
import type { InferenceSession, Ort, Tensor } from "./ort.ts";
import { capturer } from "./capture/capturer.ts";
import type { Host } from "./host.ts";

/** A storage buffer of float32 values on ONNX Runtime's device. */
export interface GpuArray {
  readonly buffer: GpuBuffer;
  readonly length: number;
}

const storage = 0x80 | 0x04 | 0x08; // STORAGE | COPY_SRC | COPY_DST
const staging = 0x01 | 0x08; // MAP_READ | COPY_DST

/** How often the host's side and the device exchanged data, for tests. */
export interface Transfers {
  /** Bytes written from the host. */
  up: number;
  /** Bytes read back. */
  down: number;
}

/**
 * Arrays in buffers of ONNX Runtime's own WebGPU device: runs read and write them, our kernels
 * update them in between, and nothing but the loss is ever read back. Undefined if ONNX Runtime has no
 * device, or does not share it.
 */
export async function gpuHost(
  ort: Ort,
  options: InferenceSession.SessionOptions,
): Promise<
  | Host<GpuArray> & { readonly transfers: Transfers; readonly lost: () => string | undefined }
  | undefined
> {
  const opened = await openDevice(ort, options);
  if (opened === undefined) return undefined;
  const { device, keeper } = opened;
  const transfers: Transfers = { up: 0, down: 0 };
  let lost: string | undefined;
  device.lost.then(({ message }) => lost = message === "" ? "no reason given" : message);
  const size = (length: number) => Math.max(16, Math.ceil(length / 4) * 16);
  const write = (array: GpuArray, values: Float32Array) => {
    transfers.up += values.byteLength;
    device.queue.writeBuffer(array.buffer, 0, values.slice().buffer);
  };
  const reserve = (length: number): GpuArray => ({
    buffer: device.createBuffer({ size: size(length), usage: storage }),
    length,
  });
  const create = (values: Float32Array): GpuArray => {
    const array = reserve(values.length);
    if (values.length > 0) write(array, values);
    return array;
  };
  /** One copy of parts of buffers, in a row. */
  const readParts = async (buffers: readonly GpuBuffer[], each: number) => {
    const length = buffers.length * each;
    const copy = device.createBuffer({ size: size(length), usage: staging });
    try {
      const encoder = device.createCommandEncoder();
      buffers.forEach((buffer, k) => {
        encoder.copyBufferToBuffer(buffer, 0, copy, k * each * 4, each * 4);
      });
      device.queue.submit([encoder.finish()]);
      await copy.mapAsync(1);
      transfers.down += length * 4;
      return new Float32Array(copy.getMappedRange().slice(0, length * 4));
    } finally {
      copy.destroy();
    }
  };
  const readBuffer = (buffer: GpuBuffer, length: number) => readParts([buffer], length);
  let products: WebgpuProducts | undefined;
  const backend: Backend<GpuArray> = {
    name: "webgpu",
    // As in ONNX's Conv.
    outputAxis: "first",
    compile(program) {
      const kernel = webgpuKernel(program, device);
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
        dispose: () => kernel.dispose(),
      };
    },
    multiply(calls) {
      for (const call of calls) checkProduct(call, ({ length }) => length);
      products ??= webgpuProducts(device);
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
      // A buffer is zero when it is made.
      return fill === 0 ? reserve(rows * columns) : create(
        new Float32Array(rows * columns).fill(fill),
      );
    },
    write: (values) => create(values),
    copy(calls) {
      const encoder = device.createCommandEncoder();
      const copies = calls.map(({ from, into = reserve(from.length) }) => {
        encoder.copyBufferToBuffer(from.buffer, 0, into.buffer, 0, from.length * 4);
        return into;
      });
      device.queue.submit([encoder.finish()]);
      return copies;
    },
    read: ({ buffer, length }) => readBuffer(buffer, length),
    dispose: ({ buffer }) => buffer.destroy(),
  };
  return {
    name: "webgpu",
    backend,
    transfers,
    lost: () => lost,
    writesInPlace: true,
    open: (model, resident) =>
      createSession(ort, model, {
        ...options,
        preferredOutputLocation: Object.fromEntries(resident.map((name) => [name, "gpu-buffer"])),
      }),
    tensor: ({ buffer }, dims) =>
      ort.Tensor.fromGpuBuffer(buffer as never, { dataType: "float32", dims }) as Tensor,
    take(result) {
      throw new TypeError(`Cannot take a result of shape [${result.dims}]: it is written in place`);
    },
    number: () => undefined,
    free() {},
    write,
    async read(result) {
      if (result.location === "cpu") return Number((result.data as Float32Array)[0]);
      const [value] = await readBuffer(result.gpuBuffer as unknown as GpuBuffer, 1);
      return value!;
    },
    readNumbers: (arrays) =>
      arrays.length === 0
        ? Promise.resolve(new Float32Array())
        : readParts(arrays.map(({ buffer }) => buffer), 1),
    capturer: () => capturer(ort, options, device, readBuffer),
    dispose() {
      products?.dispose();
      return keeper.release();
    },
  };
}

/**
 * The device of ONNX Runtime, which exists from the first session to the end of the last: `keeper`
 * holds it.
 */
async function openDevice(
  ort: Ort,
  options: InferenceSession.SessionOptions,
): Promise<{ device: Device; keeper: Session } | undefined> {
  const m = buildModel();
  const x = m.input("x", [1]);
  m.output(m.op("Add", [x, x], {}, "y"));
  const keeper = await createSession(ort, m.build(), options);
  const { webgpu } = ort.env as { webgpu?: { device?: Promise<Device> | Device } };
  const device = await webgpu?.device;
  if (device === undefined || typeof device.createBuffer !== "function") {
    await keeper.release();
    return undefined;
  }
  return { device, keeper };
}
