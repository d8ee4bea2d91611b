/** @module */
import type { GpuBuffer } from "@precond/core/webgpu";
import type { GraphProto, ModelProto } from "@precond/onnx";
import { buildModel, DataType } from "@precond/onnx/on_demand";
import { createSession, type Session } from "../create_session.ts";
import type { InferenceSession, Ort, Tensor } from "../ort.ts";
import { capturedSession, type ElementType, type Ground, whole } from "./captured_session.ts";
import { withComputedOutputs } from "./computed_outputs.ts";
import type { Device } from "../device.ts";

/** The same graph, to be captured and not. */
export interface CaptureModels {
  /** With numbers for its symbolic sizes. */
  sized(sizes: Readonly<Record<string, number>>): Promise<ModelProto>;
  /** A session without capture: its run is compared with the first replay. */
  plain(): Promise<Session>;
}

/** Opens sessions that record the commands of their first run and play them again in every other. */
export interface Capturer {
  /**
   * Opens a graph at its first run, with the sizes of that run's feeds.
   *
   * @param resident Outputs that stay on the device; the others are read back.
   */
  open(graph: GraphProto, resident: readonly string[], models: CaptureModels): Session;
  /** Frees what the sessions share; they must have been released. */
  dispose(): Promise<void>;
}

/** Element types that can be fed and fetched, and their arrays. */
const arrays: Readonly<Record<ElementType, ArrayType>> = {
  float32: Float32Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  float16: Uint16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  bool: Uint8Array,
};

interface ArrayType {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBuffer, offset: number, length: number): Exclude<Tensor.DataType, string[]>;
}

/**
 * Graph capture of ONNX Runtime, with three of its traps (1.30) kept away from: an option that is lost
 * when the provider is given by its name alone, buffers that are forgotten, copies that are not
 * recorded.
 */
export function capturer(
  ort: Ort,
  options: InferenceSession.SessionOptions,
  device: Device,
  readBuffer: (buffer: GpuBuffer, length: number) => Promise<Float32Array>,
): Capturer {
  const owned: Tensor[] = [];
  let maker: Promise<Session> | undefined;
  const ground: Ground = {
    device,
    // In a buffer that ONNX Runtime owns: its web binding forgets a buffer of ours after each run, and
    // what is recorded would refer to nothing.
    async place(type, dims) {
      if (!(type in arrays)) {
        throw new TypeError(`Cannot capture the training graph: it has tensors of type ${type}`);
      }
      const known = type as ElementType;
      const bytes = dims.reduce((a, b) => a * b, 1) * arrays[known].BYTES_PER_ELEMENT;
      const length = Math.max(4, Math.ceil(bytes / 16) * 4);
      maker ??= openMaker(ort, options);
      const { y } = await (await maker).run({
        x: new ort.Tensor("float32", new Float32Array(1), [1]),
        shape: new ort.Tensor("int64", BigInt64Array.of(BigInt(length)), [1]),
      });
      owned.push(y as Tensor);
      return { type: known, dims, bytes, buffer: y!.gpuBuffer as unknown as GpuBuffer };
    },
    tensor: ({ type, dims, buffer }) =>
      ort.Tensor.fromGpuBuffer(buffer as never, { dataType: type as "float32", dims }) as Tensor,
    async read({ type, dims, buffer, bytes }) {
      const { buffer: read } = await readBuffer(buffer, whole(bytes) / 4);
      const Values = arrays[type];
      const values = new Values(read as ArrayBuffer, 0, bytes / Values.BYTES_PER_ELEMENT);
      return new ort.Tensor(type, values, dims);
    },
  };
  return {
    open: (graph, resident, { sized, plain }) =>
      capturedSession(graph, new Set(resident), {
        plain,
        captured: async (sizes) =>
          await openCaptured(ort, options, withComputedOutputs(await sized(sizes))),
      }, ground),
    async dispose() {
      for (const tensor of owned) tensor.dispose();
      await (await maker)?.release();
    },
  };
}

/** @throws {TypeError} When the provider cannot capture the graph. */
async function openCaptured(
  ort: Ort,
  options: InferenceSession.SessionOptions,
  model: ModelProto,
): Promise<Session> {
  try {
    return await createSession(ort, model, {
      ...options,
      // The web binding hands the wish on to a provider that is given as an object only.
      executionProviders: options.executionProviders!.map((p) => p === "webgpu" ? { name: p } : p),
      enableGraphCapture: true,
      preferredOutputLocation: "gpu-buffer",
    });
  } catch (cause) {
    throw new TypeError(
      `Cannot capture the training graph: ${(cause as Error).message}; create the trainer ` +
        `without capture`,
      { cause },
    );
  }
}

/** Makes buffers of ONNX Runtime's own. */
function openMaker(ort: Ort, options: InferenceSession.SessionOptions): Promise<Session> {
  const m = buildModel();
  m.output(m.op("Expand", [m.input("x", [1]), m.input("shape", [1], DataType.INT64)], {}, "y"));
  return createSession(ort, m.build(), {
    ...options,
    preferredOutputLocation: "gpu-buffer",
  });
}
