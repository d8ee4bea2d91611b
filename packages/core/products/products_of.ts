/** @module */
import type { Backend, ProductCall } from "../driver/backend.ts";
import type { WasmArray } from "../driver/wasm_backend.ts";
import type { WasmHeap } from "../driver/wasm_heap.ts";
import { checkProduct } from "./check.ts";
import { wasmProducts } from "./wasm.ts";

type Multiply<A> = NonNullable<Backend<A>["multiply"]>;

const ofHeaps = new WeakMap<WasmHeap, Multiply<WasmArray>>();

function multiplyOn(heap: WasmHeap): Multiply<WasmArray> {
  let products: ReturnType<typeof wasmProducts> | undefined;
  return (calls) => {
    for (const call of calls) checkProduct(call, ({ length }) => length);
    products ??= wasmProducts(heap.memory, heap);
    products(calls.map((call): ProductCall<number> => ({
      ...call,
      a: call.a.address,
      b: call.b.address,
      out: call.out.address,
    })));
    return calls.map(({ out }) => out);
  };
}

/**
 * The matrix products of a backend: its own, or those in WebAssembly on its memory, which only
 * optimizers with a basis load. Undefined where it has neither.
 */
export function productsOf<A>(backend: Backend<A>): Multiply<A> | undefined {
  const { heap } = backend;
  if (backend.multiply) return (calls) => backend.multiply!(calls);
  if (!heap) return undefined;
  let found = ofHeaps.get(heap);
  if (!found) ofHeaps.set(heap, found = multiplyOn(heap));
  return found as unknown as Multiply<A>;
}
