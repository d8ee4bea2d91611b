import { assertAllClose } from "@precond/testing";
import * as tf from "@tensorflow/tfjs-core";
import assert from "node:assert/strict";
import { normalTensor } from "./_testing.ts";
import { hessianDiagonalSample } from "./hessian_diagonal_sample.ts";
import { hessianVectorProduct } from "./hessian_vector_product.ts";

Deno.test("hessianDiagonalSample() is diag(H) exactly when H is diagonal, whatever the signs", async () => {
  await tf.setBackend("cpu");
  const w = tf.variable(tf.tensor1d([1, -2, 0.5])), h = tf.tensor1d([1, 16, 0.25]);
  const f = () => tf.mul(0.5, tf.sum(tf.mul(h, tf.square(w)))) as tf.Scalar;
  for (const seed of [1, 2, 3]) {
    const { gradients, curvature } = hessianDiagonalSample(f, [w], seed);
    assert.deepEqual([...curvature[w.name]!.dataSync()], [1, 16, 0.25]);
    assert.deepEqual([...gradients[w.name]!.dataSync()], [1, -32, 0.125]);
  }
});

Deno.test("the mean of z∘Hz over all sign vectors is diag(H)", async () => {
  await tf.setBackend("cpu");
  const w = tf.variable(normalTensor([3], 1)), x = normalTensor([5, 3], 2);
  const f = () =>
    tf.tidy(() =>
      tf.mean(tf.square(tf.tanh(tf.matMul(x as tf.Tensor2D, tf.reshape(w, [3, 1]))))) as tf.Scalar
    );
  const column = (v: number[]) => {
    const { products } = hessianVectorProduct(f, [w], { [w.name]: tf.tensor1d(v) });
    return [...products[w.name]!.dataSync()];
  };
  const diagonal = [0, 1, 2].map((i) => column([0, 1, 2].map((j) => i === j ? 1 : 0))[i]!);
  const mean = [0, 0, 0];
  for (let bits = 0; bits < 8; bits++) {
    const z = [0, 1, 2].map((i) => bits >> i & 1 ? 1 : -1);
    column(z).forEach((product, i) => mean[i]! += z[i]! * product / 8);
  }
  assertAllClose(mean, diagonal, { absolute: 1e-6 });
});

Deno.test("hessianDiagonalSample() draws signs from its seed and leaves only its result", async () => {
  await tf.setBackend("cpu");
  const w = tf.variable(tf.zeros([64])), sum = () => tf.square(tf.sum(w)) as tf.Scalar;
  const before = tf.memory().numTensors;
  // H is 2 everywhere: z∘Hz = 2 z Σz, so that the signs show
  const draws = [7, 7, 8].map((seed) => {
    const { value, gradients, curvature } = hessianDiagonalSample(sum, [w], seed);
    assert.equal(tf.memory().numTensors, before + 3);
    const values = [...curvature[w.name]!.dataSync()];
    tf.dispose([value, gradients, curvature]);
    return values;
  });
  assert.deepEqual(draws[0], draws[1]);
  assert.notDeepEqual(draws[0], draws[2]);
  assert.equal(tf.memory().numTensors, before);
});
