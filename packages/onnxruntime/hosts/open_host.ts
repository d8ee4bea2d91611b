/** @module */
import type { InferenceSession, Ort } from "./ort.ts";
import { isWeb } from "./create_session.ts";
import type { Host } from "./host.ts";
import { memoryHost } from "./memory_host.ts";

/** A host, with what goes with it. */
export interface OpenedHost {
  readonly host: Host<unknown>;
  /** The name of its provider. */
  readonly provider: string;
  /** Why its device is lost. */
  readonly lost: (() => string | undefined) | undefined;
}

/**
 * The host of the first provider that is there. ONNX Runtime leaves out one that is not, with a
 * warning, as long as others are given: WebGPU in a browser without an adapter.
 *
 * @throws {TypeError} If WebGPU is the only provider, of a build that does not share its device.
 */
export async function openHost(
  ort: Ort,
  options: InferenceSession.SessionOptions,
): Promise<OpenedHost> {
  const [first, ...others] = options.executionProviders!;
  const provider = typeof first === "string" ? first : first!.name;
  // onnxruntime-node keeps its device to itself: parameters stay in memory, runs copy them.
  if (provider !== "webgpu" || !isWeb(ort)) {
    return { host: await memoryHost(ort, options), provider, lost: undefined };
  }
  // WebGPU alone needs its shaders.
  const { gpuHost } = await import("./gpu_host.ts");
  const host = await gpuHost(ort, options);
  if (host !== undefined) {
    return { host: host as Host<unknown>, provider, lost: host.lost };
  }
  if (others.length === 0) {
    throw new TypeError(
      "Cannot train on WebGPU: this build of ONNX Runtime does not share its device " +
        '(`env.webgpu.device`); import "onnxruntime-web/webgpu"',
    );
  }
  return await openHost(ort, { ...options, executionProviders: others });
}
