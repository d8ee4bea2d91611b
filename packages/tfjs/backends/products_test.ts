import * as tf from "@tensorflow/tfjs-core";
import assert from "node:assert/strict";
import { backends, leaked, opsBackend } from "../_testing.ts";
import { checkTensorProducts } from "../scenarios/products.ts";
import { tensorBackend } from "./tensors.ts";

for (const backend of backends) {
  Deno.test(`products on ${backend} are within float32's bound, and leave no tensor`, async () => {
    await tf.setBackend(backend);
    const before = tf.memory().numTensors;
    await checkTensorProducts();
    assert.equal(tf.memory().numTensors, before);
  });

  Deno.test(`products on ${backend} outlive a tidy, and take kernels as matrices`, async () => {
    await tf.setBackend(backend);
    const { multiply } = tensorBackend();
    const kernel = tf.tensor([1, 2, 3, 4, 5, 6], [1, 1, 3, 2]);
    const out = tf.keep(tf.fill([1, 1, 3, 3], NaN));
    let result: tf.Tensor;
    const left = leaked(() =>
      tf.tidy(() => {
        const sizes = { rows: 3, inner: 2, columns: 3, transposeB: true };
        [result] = multiply!([{ a: kernel, b: kernel, out, ...sizes }]) as [tf.Tensor];
      })
    );
    // The plain ops make a new tensor; `out` is the caller's to dispose.
    assert.equal(left, backend === opsBackend ? 1 : 0);
    assert.equal(result! === out, backend !== opsBackend);
    assert.deepEqual(result!.shape, [1, 1, 3, 3]);
    // Rows (1, 2), (3, 4), (5, 6): 1 + 4, 3 + 8, 5 + 12; 9 + 16, 15 + 24; 25 + 36
    assert.deepEqual([...await result!.data()], [5, 11, 17, 11, 25, 39, 17, 39, 61]);
    tf.dispose([kernel, out, result!]);
  });
}

Deno.test("a product that does not fit is refused by name on every backend", async () => {
  for (const backend of backends) {
    await tf.setBackend(backend);
    const [a, out] = [tf.ones([2, 3]), tf.ones([2, 2])];
    const call = { a, b: a, out, rows: 2, inner: 3, columns: 3 };
    assert.throws(() => tensorBackend().multiply!([call]), {
      name: "TypeError",
      message: "Cannot multiply: b has 6 elements, expected shape [3,3]",
    });
    tf.dispose([a, out]);
  }
});
