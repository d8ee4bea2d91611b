/** @module */
import {
  type GpuBuffer,
  type GpuDevice,
  type Kernel,
  type Program,
  webgpuKernel,
  weightsName,
} from "@precond/core/backend";
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
 * Checks the device of the active backend, if that is webgpu and has run an update; before tfjs
 * fails on it, which says nothing of the cause.
 *
 * @throws {Error} If it was lost.
 */
export function checkActiveDevice(): void {
  if (tf.getBackend() === "webgpu") checkDevice((tf.backend() as unknown as WebgpuBackend).device);
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
  const data = ({ dataId }: { dataId: object }) => backend.tensorMap.get(dataId);
  const bufferOf = (t: { dataId: object }): GpuBuffer => {
    backend.uploadToGPU(t.dataId);
    return data(t).resource!;
  };

  /**
   * The weights' buffer under a new id, updated in place: a read-back that is under way stores what
   * it got under the old id. If a clone shares the buffer, a copy of it.
   */
  const renewed = (old: tf.Tensor): tf.Tensor => {
    const record = data(old);
    if (backend.refCount(old.dataId) !== 1 || record.external) {
      return tf.keep(tf.tidy(() => tf.mul(old, 1)));
    }
    bufferOf(old);
    const output = backend.makeTensorInfo(old.shape, "float32");
    const fresh = data(output);
    fresh.resource = record.resource;
    record.resource = undefined;
    return tf.keep(tf.engine().makeTensorFromTensorInfo(output));
  };

  return {
    run(calls) {
      checkDevice(backend.device);
      const outputs = calls.map((call) =>
        program.outputs.map(({ name }, o) =>
          name === weightsName ? renewed(call.outputs[o]!) : call.outputs[o]!
        )
      );
      const weights = program.outputs.findIndex(({ name }) => name === weightsName);
      const buffers = calls.map((call, i) => ({
        ...call,
        inputs: program.inputs.map(({ name }, k) =>
          bufferOf(name === weightsName && weights >= 0 ? outputs[i]![weights]! : call.inputs[k]!)
        ),
        outputs: outputs[i]!.map(bufferOf),
      }));
      // What tfjs has recorded so far comes before our own commands.
      backend.ensureCommandEncoderReady();
      backend.endComputePassEncoder();
      backend.submitQueue();
      kernel.run(buffers);
      // tfjs would answer a read from values that it has cached.
      for (const tensor of outputs.flat()) data(tensor).values = undefined;
      return outputs.map((list) => ({ outputs: list, held: false }));
    },
  };
}
