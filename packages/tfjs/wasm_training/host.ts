/** @module */
import { hasWasmSimd, type WasmHeap, wasmHeap } from "@precond/core/backend";
import * as tf from "@tensorflow/tfjs-core";
import { type Functions, functionsOn } from "./code/module.ts";

/** What this pack uses of tfjs-backend-wasm; as in tfjs 4.22. */
export interface WasmBackend {
  readonly wasm: {
    /** The threaded build hides its memory. */
    readonly asm?: { readonly memory?: WebAssembly.Memory };
    /** All of the memory; another object once the memory has grown. */
    readonly HEAPU8: Uint8Array;
    _malloc(bytes: number): number;
    _free(address: number): void;
  };
  readonly dataIdMap: { get(id: object): { readonly memoryOffset: number } };
  makeOutput(shape: number[], dtype: tf.DataType): tf.TensorInfo;
  disposeData(id: object): boolean;
}

/** Arrays of one call. */
interface Arrays {
  /** Whose call it is, for errors. */
  readonly kernel: string;
  readonly inputs: readonly tf.TensorInfo[];
  /** Filled with zeros first. */
  readonly outputs: readonly tf.TensorInfo[];
  /** Bytes of arrays that live no longer than the call. */
  readonly scratch?: readonly number[];
}

/** Gets the addresses of inputs, outputs and scratch, in this order. */
type Run = (functions: Functions, addresses: readonly number[]) => void;

/** Runs functions on arrays of a backend. */
type Host = (arrays: Arrays, run: Run) => void;

const hosts = new WeakMap<object, Host>();

/** How many bytes a tensor has. */
export function bytesOf({ shape, dtype }: tf.TensorInfo): number {
  return tf.util.sizeFromShape(shape) * tf.util.bytesPerElement(dtype);
}

/**
 * Runs functions on a backend's arrays.
 *
 * @throws {RangeError} If the memory cannot grow.
 */
export function onArrays(backend: WasmBackend, arrays: Arrays, run: Run): void {
  let host = hosts.get(backend.wasm);
  if (!host) hosts.set(backend.wasm, host = hostOf(backend));
  host(arrays, run);
}

function hostOf(backend: WasmBackend): Host {
  if (!hasWasmSimd()) {
    throw new TypeError(
      "Cannot train on wasm: this engine has no WebAssembly SIMD; use another backend",
    );
  }
  const memory = backend.wasm.asm?.memory;
  return memory instanceof WebAssembly.Memory
    ? inPlace(backend, functionsOn(memory))
    : copied(backend, wasmHeap());
}

/** On the backend's own memory. */
function inPlace(backend: WasmBackend, functions: Functions): Host {
  const { wasm } = backend;
  const allocate = (bytes: number, kernel: string) => {
    // Above 2 GiB the address comes as a negative number.
    const address = wasm._malloc(bytes) >>> 0;
    if (address === 0) throw outOfMemory(kernel, bytes);
    return address;
  };
  return ({ kernel, inputs, outputs, scratch = [] }, run) => {
    const own: number[] = [];
    try {
      for (const bytes of scratch) own.push(allocate(Math.max(bytes, 1), kernel));
      for (const output of outputs) {
        const bytes = bytesOf(output), address = addressOf(backend, output);
        if (bytes > 0 && address === 0) throw outOfMemory(kernel, bytes);
        wasm.HEAPU8.fill(0, address, address + bytes);
      }
      run(functions, [...[...inputs, ...outputs].map((t) => addressOf(backend, t)), ...own]);
    } finally {
      for (const address of own) wasm._free(address);
    }
  };
}

/** On a memory of our own, with copies: the threaded build hides its memory, but not its bytes. */
function copied(backend: WasmBackend, heap: WasmHeap): Host {
  const functions = functionsOn(heap.memory);
  return ({ inputs, outputs, scratch = [] }, run) => {
    const tensors = [...inputs, ...outputs];
    const own: number[] = [];
    const bytes = (t: tf.TensorInfo, i: number) =>
      new Uint8Array(heap.memory.buffer, own[i]!, bytesOf(t));
    const theirs = (t: tf.TensorInfo) => {
      const address = addressOf(backend, t);
      return backend.wasm.HEAPU8.subarray(address, address + bytesOf(t));
    };
    try {
      for (const size of [...tensors.map(bytesOf), ...scratch]) own.push(heap.allocate(size));
      tensors.forEach((t, i) =>
        i < inputs.length ? bytes(t, i).set(theirs(t)) : bytes(t, i).fill(0)
      );
      run(functions, own);
      outputs.forEach((t, o) => theirs(t).set(bytes(t, inputs.length + o)));
    } finally {
      for (const address of own) heap.free(address);
    }
  };
}

function addressOf(backend: WasmBackend, { dataId }: tf.TensorInfo): number {
  return backend.dataIdMap.get(dataId).memoryOffset;
}

function outOfMemory(kernel: string, bytes: number): RangeError {
  return new RangeError(
    `Cannot run ${kernel} on wasm: no memory for ${bytes} bytes; use a smaller batch`,
  );
}
