/**
 * Where jax-js's wasm backend keeps an array.
 *
 * jax-js publishes neither its memory nor addresses. But it hands the memory to every kernel that it
 * instantiates, and reads an array through a `Uint8Array` on it. Both are seen by observers of these two
 * constructors, which change nothing: they stand there during one call, note the arguments and do what
 * the constructor does. What they note is checked against what jax-js itself reads.
 *
 * @module
 */
import { type Array, numpy as np } from "@jax-js/jax";

/** Calls `body` while `host[name]` notes its arguments. */
function observe(
  host: Record<string, unknown>,
  name: string,
  note: (args: readonly unknown[]) => void,
  body: () => void,
): void {
  const original = host[name] as { new (...args: unknown[]): object; prototype: object };
  function observer(...args: unknown[]): object {
    note(args);
    return new original(...args);
  }
  observer.prototype = original.prototype;
  host[name] = Object.setPrototypeOf(observer, original);
  try {
    body();
  } finally {
    host[name] = original;
  }
}

const unknown = () =>
  new TypeError(
    "Cannot find arrays in the memory of jax-js: it does not read them as version 0.1.25 does; use a " +
      "version of @jax-js/jax that this package's peer range names",
  );

/** An array's place in the memory, as long as it has the slot. */
interface Place {
  readonly slot: number;
  readonly address: number;
}

const places = new WeakMap<Array, Place>();
let memory: WebAssembly.Memory | undefined;

const isKnown = (array: Array) =>
  array.size === 0 || places.get(array)?.slot === array._realizeSource();

/** Finds the address of an array that is not empty. `seen()` are views made on the memory since it was asked last. */
function find(array: Array, seen: () => readonly (readonly unknown[])[]): void {
  const slot = array._realizeSource();
  const first = array.ref.reshape([-1]).slice([0, 1]);
  let value: number;
  try {
    if (first._realizeSource() !== slot) throw unknown();
    seen();
    value = first.ref.dataSync()[0] as number;
  } finally {
    first.dispose();
  }
  const [buffer, address, bytes] = seen().at(-1) ?? [];
  if (buffer !== memory!.buffer || typeof address !== "number" || bytes !== 4 * array.size) {
    throw unknown();
  }
  if (!Object.is(new Float32Array(memory!.buffer, address, 1)[0], value)) throw unknown();
  places.set(array, { slot, address });
}

function findAll(arrays: readonly Array[]): void {
  let noted: (readonly unknown[])[] = [];
  const seen = () => {
    const found = noted;
    noted = [];
    return found;
  };
  // Others than those on the memory: what is read is copied.
  const note = (args: readonly unknown[]) => {
    if (args.length === 3 && args[0] === memory!.buffer) noted.push(args);
  };
  observe(globalThis as unknown as Record<string, unknown>, "Uint8Array", note, () => {
    for (const array of arrays) find(array, seen);
  });
}

/** The memory that jax-js gives to its kernels. */
function observedMemory(): WebAssembly.Memory | undefined {
  let found: WebAssembly.Memory | undefined;
  const note = (args: readonly unknown[]) => {
    found = (args[1] as { env?: { memory?: WebAssembly.Memory } } | undefined)?.env?.memory;
  };
  observe(WebAssembly as unknown as Record<string, unknown>, "Instance", note, () => {
    np.negative(np.array(Float32Array.of(1, 2), { device: "wasm" })).dataSync();
  });
  return found instanceof WebAssembly.Memory ? found : undefined;
}

let searched = false;

/**
 * The memory of the wasm backend, or undefined where it cannot be reached; found out once, on an array
 * of known values.
 */
export function wasmMemory(): WebAssembly.Memory | undefined {
  if (searched) return memory;
  searched = true;
  memory = observedMemory();
  if (memory === undefined) return undefined;
  const values = Float32Array.of(3, 1, 4, 1, 5, 9, 2, 6);
  const probe = np.array(values, { shape: [2, 4], device: "wasm" });
  try {
    findAll([probe]);
    const there = new Float32Array(memory.buffer, places.get(probe)!.address, values.length);
    if (values.every((value, i) => there[i] === value)) return memory;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
  } finally {
    probe.dispose();
  }
  return memory = undefined;
}

/**
 * Computes what is pending of these arrays of the wasm backend and finds their addresses, so that
 * {@linkcode addressOf} knows them. Consumes nothing.
 *
 * @throws {Error} If a worker thread still computes one of them.
 */
export function locate(arrays: readonly Array[]): void {
  const missing = [...new Set(arrays)].filter((array) => !isKnown(array));
  if (missing.length > 0) findAll(missing);
}

/** Where an array that was located begins, in bytes; 0 for one without elements. */
export function addressOf(array: Array): number {
  if (array.size === 0) return 0;
  const place = places.get(array);
  if (place?.slot !== array._realizeSource()) throw unknown();
  return place.address;
}
