/** @module */
import { type Backend, hasWasmSimd, wasmBackend, wasmHeap } from "@precond/core/backend";
import { createSession } from "./create_session.ts";
import { type InPlace, openAs, probeInPlace } from "./in_place.ts";
import type { InferenceSession, Ort, Tensor } from "./ort.ts";
import { freeBuffer } from "./free_buffer.ts";
import type { Host } from "./host.ts";

/** As in ONNX's Conv. */
const outputAxis = "first";

/**
 * Arrays in a WebAssembly memory of our own, which the fused kernel works on and which ONNX Runtime
 * reads parameters from and (in Node) writes gradients into: no copies.
 */
export async function memoryHost(
  ort: Ort,
  given: InferenceSession.SessionOptions,
): Promise<Host<unknown>> {
  const options = withRestingThreads(given);
  const inPlace = await probeInPlace(ort, options);
  if (!hasWasmSimd()) {
    const { arrayBackend } = await import("@precond/core/javascript");
    const backend = { ...arrayBackend("javascript"), outputAxis } as const;
    return makeHost(ort, options, backend, (a) => a, inPlace) as Host<unknown>;
  }
  const heap = wasmHeap();
  const backend = { ...wasmBackend(heap), outputAxis } as const;
  const view = ({ address, length }: { address: number; length: number }) =>
    heap.floats(address, length);
  return makeHost(ort, options, backend, view, inPlace) as Host<unknown>;
}

/**
 * The threads of a session wait for its next run by spinning, and keep a core from the update that
 * comes first. What the caller says about it holds.
 */
function withRestingThreads(
  options: InferenceSession.SessionOptions,
): InferenceSession.SessionOptions {
  const { session, ...extra } = (options.extra ?? {}) as { session?: Record<string, unknown> };
  if ("session.force_spinning_stop" in extra) return options;
  return { ...options, extra: { ...extra, session: { force_spinning_stop: "1", ...session } } };
}

/**
 * From its second run on ONNX Runtime would hold one block for all of a run's values, beside what the
 * first run took: for a training graph that is nearly twice as much memory, for no time that could be
 * measured. What the caller says about it holds.
 */
function withoutPattern(options: InferenceSession.SessionOptions): InferenceSession.SessionOptions {
  return { enableMemPattern: false, ...options };
}

function makeHost<A extends object>(
  ort: Ort,
  options: InferenceSession.SessionOptions,
  backend: Backend<A>,
  view: (array: A) => Float32Array,
  inPlace: InPlace,
): Host<A> {
  // A result on WebGL may be the session's own array, of an initializer.
  const ownsResults = !options.executionProviders?.some((p) =>
    (typeof p === "string" ? p : p.name) === "webgl"
  );
  const tensors = new WeakMap<A, { buffer: ArrayBufferLike; dims: string; tensor: Tensor }>();
  return {
    name: "cpu",
    backend,
    writesInPlace: inPlace.writes,
    open: (model, resident) =>
      resident.length > 0
        ? openAs(inPlace, ort, model, withoutPattern(options))
        : createSession(ort, model, options),
    tensor(array, dims) {
      const key = dims.join();
      const known = tensors.get(array);
      const values = view(array);
      // A memory that grows gets a new buffer: tensors over the old one are dead.
      if (known?.buffer === values.buffer && known.dims === key) return known.tensor;
      const tensor = new ort.Tensor("float32", values, dims);
      tensors.set(array, { buffer: values.buffer, dims: key, tensor });
      return tensor;
    },
    number: (dims) =>
      inPlace.writes ? new ort.Tensor("float32", new Float32Array(1), dims) : undefined,
    take(result, array) {
      view(array).set(result.data as Float32Array);
    },
    free({ data }, array) {
      const { buffer } = data as Float32Array;
      if (ownsResults && buffer !== view(array).buffer) freeBuffer(buffer);
    },
    write: (array, values) => view(array).set(values),
    read: (result) => Promise.resolve(Number((result.data as Float32Array)[0])),
    readNumbers: (arrays) => Promise.resolve(Float32Array.from(arrays, (array) => view(array)[0]!)),
    dispose() {},
  };
}
