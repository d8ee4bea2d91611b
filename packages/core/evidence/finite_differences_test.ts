import { assertAllClose } from "@precond/testing";
import assert from "node:assert/strict";
import { arrayBackend } from "../driver/array_backend.ts";
import { wasmBackend } from "../driver/wasm_backend.ts";
import type { Backend } from "../driver/backend.ts";
import { finiteDifferences } from "./finite_differences.ts";

/** g(w) = (w₀³, 2 w₁): H = diag(3 w₀², 2). */
const gradientAt = (w: ArrayLike<number>) => Float32Array.of(w[0]! ** 3, 2 * w[1]!);
const weights = Float32Array.of(1.5, -1), vector = Float32Array.of(1, -1);

for (const given of [arrayBackend(), wasmBackend()]) {
  const backend = given as Backend<Float32Array>;
  const enter = (values: Float32Array) => backend.write(values, [2]);
  const read = (array: Float32Array) => backend.read(array) as Float32Array;
  const arrays = () => ({
    shape: [2],
    weights: enter(weights),
    vector: enter(vector),
    shifted: enter(new Float32Array(2)),
    gradient: enter(Float32Array.of(7, 8)),
    saved: enter(new Float32Array(2)),
    curvature: enter(new Float32Array(2)),
  });

  Deno.test(`finiteDifferences() samples diag(H) and puts the gradient back on ${given.name}`, async () => {
    const p = arrays();
    await finiteDifferences(backend, 1e-2).sample([p], () => {
      backend.copy([{ from: enter(gradientAt(read(p.shifted))), shape: [2], into: p.gradient }]);
      return Promise.resolve();
    });
    // The central difference of w³ is exact up to ε² = 1e-4.
    assertAllClose([...read(p.curvature)], [3 * 1.5 ** 2, 2], { relative: 1e-4 });
    assert.deepEqual([...read(p.gradient)], [7, 8]);
  });

  Deno.test(`finiteDifferences() puts the gradient back if a run fails on ${given.name}`, async () => {
    const p = arrays();
    let runs = 0;
    const sample = finiteDifferences(backend, 1e-2).sample([p], () => {
      backend.copy([{ from: p.shifted, shape: [2], into: p.gradient }]);
      return ++runs === 2 ? Promise.reject(new Error("second run")) : Promise.resolve();
    });
    await assert.rejects(sample, { message: "second run" });
    assert.deepEqual([...read(p.gradient)], [7, 8]);
  });

  Deno.test(`finiteDifferences() makes new arrays where none are given on ${given.name}`, () => {
    const p = { shape: [2], weights: enter(weights), vector: enter(vector) };
    const { shift, difference } = finiteDifferences(backend, 0.5);
    const [ahead, behind] = [0.5, -0.5].map((distance) => read(shift([p], distance)[0]!));
    assert.deepEqual([[...ahead!], [...behind!]], [[2, -1.5], [1, -0.5]]);
    const [gradient, curvature] = [enter(gradientAt(ahead!)), enter(gradientAt(behind!))];
    const [sample] = difference([{ ...p, gradient, curvature }]);
    // (8 − 1)/1, and (−1)(−3 + 1)/1.
    assert.deepEqual([...read(sample!)], [7, 2]);
  });
}

Deno.test("finiteDifferences() refuses a step that is not positive", () => {
  for (const step of [0, -1, NaN, Infinity]) {
    assert.throws(() => finiteDifferences(arrayBackend(), step), { name: "RangeError" });
  }
});
