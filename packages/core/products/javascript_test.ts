import {
  checkGramMatrices,
  checkManyProducts,
  checkNonFiniteProducts,
  checkProducts,
  checkReads,
  checkRepeatedProducts,
} from "@precond/testing";
import assert from "node:assert/strict";
import { arrayBackend } from "../driver/array_backend.ts";
import { wasmBackend } from "../driver/wasm_backend.ts";

const backend = arrayBackend();

Deno.test("multiplyArrays() is within one rounding of float64, for all transposes and sizes", async () => {
  await checkProducts(backend, { exactSums: true });
});

Deno.test("multiplyArrays() makes Gram matrices that are symmetric in each bit", async () => {
  await checkGramMatrices(backend, { exactSums: true });
});

Deno.test("multiplyArrays() carries NaN and infinities to the elements they belong to", async () => {
  await checkNonFiniteProducts(backend);
});

Deno.test("multiplyArrays() gives the same bits again", async () => {
  await checkRepeatedProducts(backend);
});

Deno.test("a read gives the values at its call, whatever steps follow", async () => {
  await checkReads(backend);
  await checkReads(wasmBackend());
});

Deno.test("arrayBackend() multiplies several matrices at once, and over nothing", async () => {
  await checkManyProducts(backend);
  await checkManyProducts(arrayBackend("interpreter"));
});

Deno.test("multiply() refuses sizes that do not fit, and to overwrite what it reads", () => {
  const [a, b, out] = [6, 6, 4].map((n) => new Float32Array(n));
  const call = { a: a!, b: b!, out: out!, rows: 2, inner: 3, columns: 2 };
  assert.throws(() => backend.multiply!([{ ...call, inner: 4 }]), {
    name: "TypeError",
    message: "Cannot multiply: a has 6 elements, expected shape [2,4]",
  });
  assert.throws(() => backend.multiply!([{ ...call, columns: 3, transposeB: true }]), {
    name: "TypeError",
    message: "Cannot multiply: b has 6 elements, expected shape [3,3]",
  });
  const square = new Float32Array(4);
  const squares = { a: square, b: out!, out: square, rows: 2, inner: 2, columns: 2 };
  assert.throws(() => backend.multiply!([squares]), {
    name: "TypeError",
    message: "Cannot multiply: out is a, expected another array",
  });
});
