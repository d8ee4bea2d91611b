import {
  checkGramMatrices,
  checkManyProducts,
  checkNonFiniteProducts,
  checkProducts,
  checkRepeatedProducts,
  productCases,
  productOn,
  random,
} from "@precond/testing";
import assert from "node:assert/strict";
import { wasmBackend } from "../driver/wasm_backend.ts";
import { wasmHeap } from "../driver/wasm_heap.ts";
import { productsOf } from "./products_of.ts";

const backend = wasmBackend();
const { heap } = backend;

Deno.test("wasmProducts() is within float32's bound, for all transposes and sizes", async () => {
  await checkProducts(backend);
  assert.equal(heap.used, 0);
});

Deno.test("wasmProducts() is within float32's bound where a sum takes several blocks", async () => {
  await checkProducts(backend, {}, [
    { rows: 9, inner: 255, columns: 7, transposeA: false, transposeB: false },
    { rows: 6, inner: 256, columns: 12, transposeA: true, transposeB: true },
    { rows: 5, inner: 257, columns: 9, transposeA: false, transposeB: true },
    { rows: 7, inner: 1030, columns: 11, transposeA: true, transposeB: false },
  ]);
});

Deno.test("wasmProducts() makes Gram matrices that are symmetric in each bit", async () => {
  await checkGramMatrices(backend);
});

Deno.test("wasmProducts() carries NaN and infinities to the elements they belong to", async () => {
  await checkNonFiniteProducts(backend);
});

Deno.test("wasmProducts() gives the same bits again, and several products at once", async () => {
  await checkRepeatedProducts(backend);
  await checkManyProducts(backend);
  assert.equal(heap.used, 0);
});

Deno.test("wasmProducts() adds in the order of the inner index, each step in float32", async () => {
  const { normal } = random(7);
  for (const test of productCases([5, 300])) {
    const { rows, inner, columns, transposeA, transposeB } = test;
    const a = Float32Array.from({ length: rows * inner }, normal);
    const b = Float32Array.from({ length: inner * columns }, normal);
    const values = await productOn(backend, test, a, b);
    for (const [i, j] of [[0, 0], [rows - 1, columns - 1], [rows >> 1, columns >> 1]] as const) {
      let sum = 0;
      for (let p = 0; p < inner; p++) {
        const x = a[transposeA ? p * rows + i : i * inner + p]!;
        const y = b[transposeB ? j * inner + p : p * columns + j]!;
        sum = Math.fround(sum + Math.fround(x * y));
      }
      assert.equal(values[i * columns + j], sum, `${JSON.stringify(test)} [${i},${j}]`);
    }
  }
});

Deno.test("a product may make the memory grow, and keeps nothing where it cannot", () => {
  const heap = wasmHeap(new WebAssembly.Memory({ initial: 1, maximum: 2 }));
  const backend = wasmBackend(heap);
  const column = backend.write(new Float32Array(1000).fill(2), [1000, 1]);
  const one = backend.write(Float32Array.of(3), [1, 1]);
  const out = backend.allocate([1000, 1], NaN);
  const used = heap.used;
  // 8 KiB for a panel of b and 32 bytes a row for the edge of out: two pages hold it, one does not.
  const call = { a: column, b: one, out, rows: 1000, inner: 1, columns: 1 };
  assert.equal(heap.memory.buffer.byteLength, 65536);
  const filler = heap.allocate(32768);
  productsOf(backend)!([call]);
  assert.equal(heap.memory.buffer.byteLength, 131072);
  assert.deepEqual(backend.read(out), new Float32Array(1000).fill(6));
  assert.equal(heap.used, used + 32768);
  // What was scratch, and as much again, taken by others.
  const taken = [filler, ...[8192, 32768, 32768].map((bytes) => heap.allocate(bytes))];
  assert.throws(() => productsOf(backend)!([call]), {
    name: "RangeError",
    message: /^Cannot allocate 32768 bytes/,
  });
  taken.forEach((address) => heap.free(address));
  assert.equal(heap.used, used);
});

Deno.test("wasmProducts() refuses sizes that do not fit", () => {
  const [a, b, out] = [6, 6, 4].map((n) => backend.allocate([n], 0));
  const call = { a: a!, b: b!, out: out!, rows: 2, inner: 3, columns: 2 };
  assert.throws(() => productsOf(backend)!([{ ...call, rows: 3 }]), {
    name: "TypeError",
    message: "Cannot multiply: a has 6 elements, expected shape [3,3]",
  });
  for (const array of [a, b, out]) backend.dispose(array!);
});
