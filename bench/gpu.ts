/**
 * The GPU backends, in Deno and in pages alike.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs-core";

/** The tfjs backends that need a GPU, or software that acts as one. */
export const gpuBackends: readonly string[] = ["webgl", "webgpu"];

/** ONNX Runtime on WebGPU. */
export const onnxGpu = "onnxruntime-webgpu";

/** Whether a backend of tfjs or of ONNX Runtime is on the GPU. */
export const onGpu = (backend: string): boolean =>
  backend === onnxGpu || gpuBackends.includes(backend);

/**
 * Makes a GPU backend, which has been imported, the active one.
 *
 * @throws {Error} If it does not start; tfjs itself would go on with another one.
 */
export async function startGpu(backend: string): Promise<void> {
  if (tf.getBackend() === backend) return;
  const started = await tf.setBackend(backend);
  await tf.ready();
  if (!started || tf.getBackend() !== backend) {
    throw new Error(`Cannot start ${backend}: the active backend is ${tf.getBackend()}`);
  }
  if (backend !== "webgpu") return;
  const { device } = tf.backend() as unknown as { device: GPUDevice };
  // What the device refuses would otherwise only look fast.
  device.addEventListener("uncapturederror", (e) => reportError(new Error(e.error.message)));
}

/** What computes for the active GPU backend, by the name it has itself. */
export function gpuName(): string {
  const backend = tf.backend() as unknown as {
    device?: GPUDevice;
    gpgpu?: { gl: WebGL2RenderingContext };
  };
  const gl = backend.gpgpu?.gl;
  if (gl) {
    const names = gl.getExtension("WEBGL_debug_renderer_info");
    return String(gl.getParameter(names ? names.UNMASKED_RENDERER_WEBGL : gl.RENDERER));
  }
  const { description, vendor, architecture } = backend.device!.adapterInfo;
  return description || [vendor, architecture].filter(Boolean).join(" ") || "unknown";
}

/** Waits until the device has computed `tensor` and all that it was told before: reads one element. */
export async function finished(tensor: tf.Tensor | tf.Variable): Promise<void> {
  const one = tf.tidy(() => tf.slice(tf.reshape(tensor as tf.Tensor, [tensor.size]), [0], [1]));
  // webgl's data() looks at its fence between timers, which take longer than small updates.
  if (tf.getBackend() === "webgl") one.dataSync();
  else await one.data();
  one.dispose();
}
