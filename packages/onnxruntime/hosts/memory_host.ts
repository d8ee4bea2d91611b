/** @module */
import { arrayBackend, type Backend, hasWasmSimd, wasmBackend, wasmHeap } from "@precond/core";
import { buildModel, writeModel } from "@precond/onnx";
import { createSession } from "../create_session.ts";
import type { InferenceSession, Ort, Tensor } from "../ort.ts";
import { freeBuffer } from "./free_buffer.ts";
import type { Host } from "./host.ts";

/**
 * Arrays in a WebAssembly memory of our own, which the fused kernel works on and which ONNX Runtime
 * reads parameters from and (in Node) writes gradients into: no copies.
 */
export async function memoryHost(
  ort: Ort,
  given: InferenceSession.SessionOptions,
): Promise<Host<unknown>> {
  const options = withRestingThreads(given);
  const writesInPlace = await probe(ort, options);
  if (!hasWasmSimd()) {
    const backend = arrayBackend("javascript");
    return makeHost(ort, options, backend, (a) => a, writesInPlace) as Host<unknown>;
  }
  const heap = wasmHeap();
  const backend = wasmBackend(heap);
  const view = ({ address, length }: { address: number; length: number }) =>
    heap.floats(address, length);
  return makeHost(ort, options, backend, view, writesInPlace) as Host<unknown>;
}

/**
 * The threads of a session wait for its next run by spinning, and keep a core from the update that
 * comes first. What the caller says about it holds.
 */
function withRestingThreads(
  options: InferenceSession.SessionOptions,
): InferenceSession.SessionOptions {
  const { session, ...extra } = (options.extra ?? {}) as { session?: Record<string, unknown> };
  return { ...options, extra: { ...extra, session: { force_spinning_stop: "1", ...session } } };
}

function makeHost<A extends object>(
  ort: Ort,
  options: InferenceSession.SessionOptions,
  backend: Backend<A>,
  view: (array: A) => Float32Array,
  writesInPlace: boolean,
): Host<A> {
  // A result on WebGL may be the session's own array, of an initializer.
  const ownsResults = !options.executionProviders?.some((p) =>
    (typeof p === "string" ? p : p.name) === "webgl"
  );
  const tensors = new WeakMap<A, { buffer: ArrayBufferLike; dims: string; tensor: Tensor }>();
  return {
    name: "cpu",
    backend,
    writesInPlace,
    sessionOptions: () => options,
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
    take(result, array) {
      view(array).set(result.data as Float32Array);
    },
    // Also of what it wrote in place onnxruntime-node hands out a copy.
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

/** Whether this build writes into preallocated outputs: onnxruntime-node does, -web does not. */
async function probe(ort: Ort, options: InferenceSession.SessionOptions): Promise<boolean> {
  const m = buildModel();
  const x = m.input("x", [1]);
  m.output(m.op("Add", [x, x], {}, "y"));
  const session = await createSession(ort, writeModel(m.build()), options);
  try {
    const memory = new WebAssembly.Memory({ initial: 1 });
    const target = new Float32Array(memory.buffer, 0, 1);
    const feeds = { x: new ort.Tensor("float32", Float32Array.of(3), [1]) };
    await session.run(feeds, { y: new ort.Tensor("float32", target, [1]) });
    return target[0] === 6;
  } catch {
    return false;
  } finally {
    await session.release();
  }
}
