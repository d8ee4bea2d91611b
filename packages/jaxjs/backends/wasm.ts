/**
 * Fused kernels and products on the memory of jax-js's wasm backend, without copies.
 *
 * @module
 */
import { type Array, defaultDevice, numpy as np } from "@jax-js/jax";
import {
  type CopyCall,
  hasWasmSimd,
  type Kernel,
  type ProductCall,
  type Program,
  wasmKernel,
  wasmProducts,
  type WasmScratch,
} from "@precond/core/backend";
import { addressOf, locate, wasmMemory } from "./addresses.ts";

/** Whether kernels of ours can run there. */
export function hasWasmMemory(): boolean {
  return hasWasmSimd() && wasmMemory() !== undefined;
}

let ramp = new Float32Array(0);

/** A new array of no particular values, whose memory nothing else shares. */
export function blankOnWasm(shape: readonly number[]): Array {
  const size = shape.reduce((a, b) => a * b, 1);
  const placed = defaultDevice() === "wasm" ? {} : { device: "wasm" as const };
  if (size < 2) return np.zeros([...shape], placed);
  // Equal values would be kept as a formula.
  if (ramp.length < size) ramp = Float32Array.from({ length: size }, (_, i) => i);
  return np.array(ramp.subarray(0, size), {
    shape: [...shape],
    ...placed,
  });
}

/** Blocks of the memory for sums of rows, kept between steps: each is an array of jax-js. */
const blocks = new Map<number, Array>();
const idle = new Map<number, number[]>();
const scratch: WasmScratch = {
  allocate(bytes) {
    const size = Math.max(64, 2 ** Math.ceil(Math.log2(bytes)));
    const known = idle.get(size)?.pop();
    if (known !== undefined) return known;
    const block = blankOnWasm([size / 4]);
    locate([block]);
    const address = addressOf(block);
    blocks.set(address, block);
    return address;
  },
  free(address) {
    const size = blocks.get(address)!.size * 4;
    const list = idle.get(size);
    if (list) list.push(address);
    else idle.set(size, [address]);
  },
};

const options = (memory: WebAssembly.Memory) => ({
  sharedMemory: typeof SharedArrayBuffer !== "undefined" &&
    memory.buffer instanceof SharedArrayBuffer,
});

/** A kernel on arrays of the wasm backend; outputs are written in place. */
export function wasmKernelFor(program: Program): Kernel<Array> {
  const memory = wasmMemory()!;
  const run = wasmKernel(program, memory, scratch, options(memory));
  return {
    run(calls) {
      locate(calls.flatMap(({ inputs, outputs }) => [...inputs, ...outputs]));
      const held = run(calls.map((call) => ({
        ...call,
        inputs: call.inputs.map(addressOf),
        outputs: call.outputs.map(addressOf),
      })));
      return calls.map(({ outputs }, i) => ({ outputs, held: held[i]! }));
    },
  };
}

let products: ReturnType<typeof wasmProducts> | undefined;

/** Products of arrays of the wasm backend, written in place. */
export function multiplyOnWasm(calls: readonly ProductCall<Array>[]): void {
  const memory = wasmMemory()!;
  products ??= wasmProducts(memory, scratch, options(memory));
  locate(calls.flatMap(({ a, b, out }) => [a, b, out]));
  products(calls.map((call) => ({
    ...call,
    a: addressOf(call.a),
    b: addressOf(call.b),
    out: addressOf(call.out),
  })));
}

const floats = (array: Array) =>
  new Float32Array(wasmMemory()!.buffer, addressOf(array), array.size);

/** Copies, bit by bit. */
export function copyOnWasm(calls: readonly CopyCall<Array>[]): Array[] {
  return calls.map(({ from, shape, into = blankOnWasm(shape) }) => {
    locate([from, into]);
    floats(into).set(floats(from));
    return into;
  });
}
