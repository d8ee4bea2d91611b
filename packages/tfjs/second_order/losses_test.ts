import { assertAllClose } from "@precond/testing";
import * as tf from "@tensorflow/tfjs-core";
import assert from "node:assert/strict";
import { flat, normals, normalTensor, plainGradients, randomVectors } from "./_testing.ts";
import { hessianVectorProduct } from "./hessian_vector_product.ts";
import { sigmoidCrossEntropy, softmaxCrossEntropy } from "./losses.ts";

const [examples, classes] = [3, 4];
const logits = normals(examples * classes, 1);
const rows = (x: ArrayLike<number>) =>
  Array.from({ length: examples }, (_, i) => Array.from(x).slice(i * classes, (i + 1) * classes));
const hot = [[0, 1, 0, 0], [0.5, 0, 0.5, 0], [0, 0, 0, 1]];

function productOf(f: () => tf.Scalar, w: tf.Variable, v: tf.NamedTensorMap): Float64Array {
  return flat(hessianVectorProduct(f, [w], v).products, [w]);
}

for (const backend of ["cpu", "wasm"]) {
  Deno.test(`softmaxCrossEntropy() has Hessian (diag(p) − ppᵀ)/N on ${backend}`, async () => {
    await tf.setBackend(backend);
    const y = tf.tensor2d(hot), w = tf.variable(tf.tensor2d(logits, [examples, classes]));
    const f = () => softmaxCrossEntropy(y, w);
    assertAllClose(f().dataSync(), tf.losses.softmaxCrossEntropy(y, w).dataSync());
    assertAllClose(
      plainGradients(f, [w]),
      plainGradients(() => tf.losses.softmaxCrossEntropy(y, w), [w]),
      { absolute: 1e-7 },
    );
    const vectors = randomVectors([w], 2), v = rows(flat(vectors, [w]));
    const expected = rows(logits).flatMap((z, i) => {
      const total = z.reduce((sum, x) => sum + Math.exp(x), 0),
        p = z.map((x) => Math.exp(x) / total);
      const pv = p.reduce((sum, pj, j) => sum + pj * v[i]![j]!, 0);
      return p.map((pj, j) => pj * (v[i]![j]! - pv) / examples);
    });
    assertAllClose(productOf(f, w, vectors), expected, { absolute: 1e-6 });
  });

  Deno.test(`sigmoidCrossEntropy(), and that of tf.losses, have Hessian diag(p(1 − p))/N on ${backend}`, async () => {
    await tf.setBackend(backend);
    const y = tf.tensor2d(hot), w = tf.variable(tf.tensor2d(logits, [examples, classes]));
    const vectors = randomVectors([w], 2), v = flat(vectors, [w]);
    const expected = Array.from(logits, (z, i) => {
      const p = 1 / (1 + Math.exp(-z));
      return p * (1 - p) * v[i]! / logits.length;
    });
    const ours = () => sigmoidCrossEntropy(y, w);
    const theirs = () => tf.losses.sigmoidCrossEntropy(y, w) as tf.Scalar;
    assertAllClose(ours().dataSync(), theirs().dataSync());
    assertAllClose(productOf(ours, w, vectors), expected, { absolute: 1e-6 });
    assertAllClose(productOf(theirs, w, vectors), expected, { absolute: 1e-6 });
  });
}

Deno.test("the losses stay finite for huge logits", async () => {
  await tf.setBackend("cpu");
  const w = tf.variable(tf.tensor2d([[1000, -1000]])), y = tf.tensor2d([[0, 1]]);
  // log Σ exp z − z₁ = 2000; softplus(1000) + softplus(−1000) + 1000 over two elements
  assert.equal(softmaxCrossEntropy(y, w).dataSync()[0], 2000);
  assert.equal(sigmoidCrossEntropy(y, w).dataSync()[0], 1000);
  const vectors = { [w.name]: tf.ones([1, 2]) };
  assert.deepEqual([...productOf(() => softmaxCrossEntropy(y, w), w, vectors)], [0, 0]);
  assert.deepEqual([...productOf(() => sigmoidCrossEntropy(y, w), w, vectors)], [0, 0]);
});

Deno.test("the losses refuse shapes that do not match", () => {
  const [labels, logits] = [normalTensor([2], 1), normalTensor([2, 3], 1)];
  for (const loss of [softmaxCrossEntropy, sigmoidCrossEntropy]) {
    assert.throws(() => loss(labels, logits), {
      name: "TypeError",
      message: `Cannot compute ${loss.name}(): labels have shape [2], logits [2,3]`,
    });
  }
});
