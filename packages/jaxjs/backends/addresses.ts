/**
 * Where jax-js's wasm backend keeps an array.
 *
 * jax-js publishes no addresses. But every kernel that it runs is a new `WebAssembly.Instance`, called
 * with the addresses of what it reads and writes. So a small kernel over the arrays in question is run
 * under the eyes of an observer, which changes nothing: it notes the memory and the numbers, and hands
 * on the call.
 *
 * @module
 */
import { type Array, jit, numpy as np } from "@jax-js/jax";

/** What was seen of one call of a kernel. */
interface Seen {
  readonly memory: WebAssembly.Memory;
  /** Addresses of the inputs and of the output, then the range of elements. */
  readonly numbers: readonly number[];
}

type Exports = { readonly kernel?: (...numbers: number[]) => unknown };

/** Runs `body`, and notes the calls of kernels that jax-js makes meanwhile. */
function observe(body: () => void): Seen[] {
  const seen: Seen[] = [];
  const { Instance } = WebAssembly;
  const observer = function (
    module: WebAssembly.Module,
    imports: { env?: { memory?: WebAssembly.Memory } } = {},
  ) {
    const instance = new Instance(module, imports as WebAssembly.Imports);
    const { kernel } = instance.exports as Exports;
    const memory = imports.env?.memory;
    if (!kernel || !memory) return instance;
    return {
      exports: {
        kernel(...numbers: number[]) {
          seen.push({ memory, numbers });
          return kernel(...numbers);
        },
      },
    };
  };
  const host = WebAssembly as { Instance: unknown };
  host.Instance = observer;
  try {
    body();
  } finally {
    host.Instance = Instance;
  }
  return seen;
}

/** Arrays that one kernel reads; jax-js allows 64. */
const atOnce = 16;
/** Compiled once for each number of arrays; for one array alone a sum would be no kernel. */
const minusSum = jit((firsts: Array[]) => np.negative(firsts.reduce((a, b) => a.add(b))));

/** An array's place in the memory, as long as it has the slot. */
interface Place {
  readonly slot: number;
  readonly address: number;
}

const places = new WeakMap<Array, Place>();
let memory: WebAssembly.Memory | undefined;

const isKnown = (array: Array) =>
  array.size === 0 || places.get(array)?.slot === array._realizeSource();

/** Finds the addresses of at most {@linkcode atOnce} arrays that are not empty. */
function find(arrays: readonly Array[]): void {
  const firsts = arrays.map((array) => array.ref.reshape([-1]).slice([0, 1]));
  let sum: Array | undefined;
  try {
    const slots = arrays.map((array, i) => {
      const slot = array._realizeSource();
      if (firsts[i]!._realizeSource() !== slot) throw unknown();
      return slot;
    });
    sum = minusSum(firsts.map((first) => first.ref));
    let total = NaN;
    const seen = observe(() => {
      total = sum!.ref.dataSync()[0] as number;
    });
    const call = seen.at(-1);
    if (call?.numbers.length !== arrays.length + 3) throw unknown();
    memory ??= call.memory;
    if (call.memory !== memory) throw unknown();
    const found = call.numbers.slice(0, arrays.length);
    const expected = found.map((address) => new Float32Array(call.memory.buffer, address, 1)[0]!)
      .reduce((a, b) => Math.fround(a + b));
    // A zero's sign is not compared.
    if (total !== -expected && !(Number.isNaN(total) && Number.isNaN(expected))) throw unknown();
    arrays.forEach((array, i) => places.set(array, { slot: slots[i]!, address: found[i]! }));
  } finally {
    for (const array of [...firsts, ...(sum ? [sum] : [])]) array.dispose();
  }
}

const unknown = () =>
  new TypeError(
    "Cannot find arrays in the memory of jax-js: its kernels are not called as those of version 0.1.25; " +
      "use a version of @jax-js/jax that this package's peer range names",
  );

/**
 * The memory of the wasm backend, or undefined where it cannot be reached; found out once, on an array
 * of known values.
 */
export function wasmMemory(): WebAssembly.Memory | undefined {
  if (memory !== undefined) return memory;
  const values = Float32Array.of(3, 1, 4, 1, 5, 9, 2, 6);
  const probe = np.array(values, { shape: [2, 4], device: "wasm" });
  try {
    find([probe]);
    const there = new Float32Array(memory!.buffer, places.get(probe)!.address, values.length);
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
  for (let i = 0; i < missing.length; i += atOnce) find(missing.slice(i, i + atOnce));
}

/** Where an array that was located begins, in bytes; 0 for one without elements. */
export function addressOf(array: Array): number {
  if (array.size === 0) return 0;
  const place = places.get(array);
  if (place?.slot !== array._realizeSource()) throw unknown();
  return place.address;
}
