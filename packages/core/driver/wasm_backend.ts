/** @module */
import { type Backend, layout } from "./backend.ts";
import { type WasmHeap, wasmHeap } from "./wasm_heap.ts";
import { hasWasmSimd, wasmKernel } from "./wasm_kernel.ts";

/** A float32 array inside a WebAssembly memory. */
export interface WasmArray {
  readonly address: number;
  readonly length: number;
}

/** Kernels in WebAssembly SIMD on a memory of their own, weights and slots updated in place. */
export function wasmBackend(given?: WasmHeap): Backend<WasmArray> & { heap: WasmHeap } {
  if (!hasWasmSimd()) {
    throw new TypeError(
      "Cannot run kernels in WebAssembly: this engine has no SIMD; use the JavaScript lowering",
    );
  }
  const heap = given ?? wasmHeap();
  const create = (shape: readonly number[]): WasmArray => {
    const { rows, columns } = layout(shape);
    return { address: heap.allocate(rows * columns * 4), length: rows * columns };
  };
  return {
    name: "wasm",
    heap,
    compile(program) {
      const run = wasmKernel(program, heap.memory, heap);
      return {
        run(calls) {
          const addresses = (arrays: readonly WasmArray[]) => arrays.map((a) => a.address);
          const held = run(calls.map((call) => ({
            ...call,
            inputs: addresses(call.inputs),
            outputs: addresses(call.outputs),
          })));
          return calls.map(({ outputs }, i) => ({ outputs, held: held[i]! }));
        },
      };
    },
    allocate(shape, fill) {
      const array = create(shape);
      heap.floats(array.address, array.length).fill(fill);
      return array;
    },
    write(values, shape) {
      const array = create(shape);
      heap.floats(array.address, array.length).set(values);
      return array;
    },
    copy: (calls) =>
      calls.map(({ from, shape, into = create(shape) }) => {
        // Views made after the memory may have grown.
        heap.floats(into.address, into.length).set(heap.floats(from.address, from.length));
        return into;
      }),
    read: ({ address, length }) => heap.floats(address, length).slice(),
    dispose: ({ address }) => heap.free(address),
  };
}
