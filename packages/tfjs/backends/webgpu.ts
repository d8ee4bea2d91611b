/** @module */
import { type Kernel, type ProductCall, type Program, weightsName } from "@precond/core/backend";
import {
  type GpuBuffer,
  type GpuDevice,
  webgpuKernel,
  type WebgpuProducts,
  webgpuProducts,
} from "@precond/core/webgpu";
import * as tf from "@tensorflow/tfjs-core";
import { checkDevice, type LosableDevice, watchDevice } from "./device_loss.ts";

interface TensorData {
  resource?: GpuBuffer | undefined;
  values?: unknown;
  external?: boolean;
}

/** What this file uses of tfjs-backend-webgpu. */
interface WebgpuBackend {
  readonly device: GpuDevice & LosableDevice;
  readonly tensorMap: { get(id: object): TensorData };
  refCount(id: object): number;
  makeTensorInfo(shape: number[], dtype: "float32"): tf.TensorInfo;
  uploadToGPU(id: object): void;
  ensureCommandEncoderReady(): void;
  endComputePassEncoder(): void;
  submitQueue(): void;
}

/**
 * Checks the device of the active backend, webgpu, if it has run an update.
 *
 * @throws {Error} If it was lost.
 */
export function checkActiveDevice(): void {
  checkDevice((tf.backend() as unknown as WebgpuBackend).device);
}

/** What tfjs knows of a tensor. */
const dataOf = (backend: WebgpuBackend, { dataId }: { dataId: object }) =>
  backend.tensorMap.get(dataId);

function bufferOf(backend: WebgpuBackend, tensor: { dataId: object }): GpuBuffer {
  backend.uploadToGPU(tensor.dataId);
  return dataOf(backend, tensor).resource!;
}

/** What tfjs has recorded so far comes before our own commands. */
function submitRecorded(backend: WebgpuBackend): void {
  backend.ensureCommandEncoderReady();
  backend.endComputePassEncoder();
  backend.submitQueue();
}

const products = new WeakMap<GpuDevice, WebgpuProducts>();

/** Products on the webgpu backend's own buffers and device. */
export function multiplyOnWebgpu(calls: readonly ProductCall<tf.Tensor>[]): boolean {
  const backend = tf.backend() as unknown as WebgpuBackend;
  const { device } = backend;
  watchDevice(device);
  checkDevice(device);
  // No buffer belongs to a tensor of no elements.
  if (calls.some(({ rows, inner, columns }) => rows * inner * columns === 0)) return false;
  let run = products.get(device);
  if (!run) products.set(device, run = webgpuProducts(device));
  const given = calls.map((call) => ({
    ...call,
    a: bufferOf(backend, call.a),
    b: bufferOf(backend, call.b),
    out: bufferOf(backend, call.out),
  }));
  submitRecorded(backend);
  run.run(given);
  // tfjs would answer a read from values that it has cached.
  for (const { out } of calls) dataOf(backend, out).values = undefined;
  return true;
}

/**
 * Kernels on the webgpu backend's own buffers and device; nothing is read back. Undefined if the
 * device allows too few storage buffers for this program.
 */
export function webgpuKernelFor(program: Program): Kernel<tf.Tensor> | undefined {
  const backend = tf.backend() as unknown as WebgpuBackend;
  watchDevice(backend.device);
  let kernel: ReturnType<typeof webgpuKernel>;
  try {
    kernel = webgpuKernel(program, backend.device);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
  const data = (tensor: { dataId: object }) => dataOf(backend, tensor);
  const buffer = (tensor: { dataId: object }) => bufferOf(backend, tensor);

  const weights = program.inputs.findIndex(({ name }) => name === weightsName);

  /**
   * The weights' buffer under a new id, updated in place: a read-back that is under way stores what
   * it got under the old id. If a clone shares the buffer, or the old weights stay, another buffer.
   */
  const renewal = (old: tf.Tensor, stays: boolean) => {
    const shared = stays || backend.refCount(old.dataId) !== 1 || data(old).external === true;
    if (shared) {
      const made = tf.engine().makeTensorFromTensorInfo(
        backend.makeTensorInfo(old.shape, "float32"),
      );
      return { of: made, finish: () => made, abandon: () => made.dispose() };
    }
    return {
      of: old,
      finish() {
        const output = backend.makeTensorInfo(old.shape, "float32");
        const record = data(old);
        data(output).resource = record.resource;
        record.resource = undefined;
        return tf.engine().makeTensorFromTensorInfo(output);
      },
      abandon() {},
    };
  };

  return {
    run(calls) {
      checkDevice(backend.device);
      const renewals: (ReturnType<typeof renewal> | undefined)[][] = [];
      try {
        // All buffers before any change.
        const buffers = calls.map((call) => {
          const list: typeof renewals[number] = [];
          renewals.push(list);
          program.outputs.forEach(({ name }, o) => {
            const old = call.outputs[o]!;
            const stays = old !== call.inputs[weights];
            list.push(name === weightsName ? renewal(old, stays) : undefined);
          });
          return {
            ...call,
            inputs: call.inputs.map(buffer),
            outputs: call.outputs.map((t, o) => buffer(list[o]?.of ?? t)),
          };
        });
        submitRecorded(backend);
        kernel.run(buffers);
      } catch (error) {
        for (const renewal of renewals.flat()) renewal?.abandon();
        throw error;
      }
      return calls.map((call, i) => ({
        held: false,
        outputs: call.outputs.map((old, o) => {
          const made = renewals[i]![o]?.finish();
          // tfjs would answer a read from values that it has cached.
          data(made ?? old).values = undefined;
          return made === undefined ? old : tf.keep(made);
        }),
      }));
    },
  };
}
