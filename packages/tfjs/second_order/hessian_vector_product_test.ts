import { assertAllClose } from "@precond/testing";
import * as tf from "@tensorflow/tfjs-core";
import fc from "fast-check";
import assert from "node:assert/strict";
import { flat, normalTensor, productError, randomVectors } from "./_testing.ts";
import { hessianVectorProduct } from "./hessian_vector_product.ts";

const n = 4;
const integers = (length: number) =>
  fc.array(fc.integer({ min: -20, max: 20 }), { minLength: length, maxLength: length });

/** ½ wᵀAw + bᵀw, symmetric A: H = A. Whole numbers, so that float32 is exact. */
function quadratic(a: readonly number[], b: readonly number[]) {
  const upper = tf.tensor2d([...a], [n, n]);
  const A = tf.tidy(() => tf.add(upper, tf.transpose(upper)));
  upper.dispose();
  return (w: tf.Tensor) =>
    tf.tidy(() => {
      const column = tf.reshape(w, [n, 1]);
      const half = tf.mul(0.5, tf.sum(tf.mul(column, tf.matMul(A, column))));
      return tf.add(half, tf.sum(tf.mul(w, tf.tensor1d([...b])))) as tf.Scalar;
    });
}

for (const backend of ["cpu", "wasm"]) {
  Deno.test(`hessianVectorProduct() is exact on quadratics on ${backend}`, async () => {
    await tf.setBackend(backend);
    fc.assert(
      fc.property(integers(n * n), integers(n), integers(n), integers(n), (a, b, at, v) => {
        tf.engine().startScope();
        const w = tf.variable(tf.tensor1d(at));
        const f = quadratic(a, b);
        const { gradients, products } = hessianVectorProduct(() => f(w), [w], {
          [w.name]: tf.tensor1d(v),
        });
        const A = (i: number, j: number) => a[i * n + j]! + a[j * n + i]!;
        const times = (x: number[]) => x.map((_, i) => x.reduce((s, xj, j) => s + A(i, j) * xj, 0));
        // + 0: tfjs gives -0 for some zeros
        assert.deepEqual([...flat(products, [w])].map((x) => x + 0), times(v).map((x) => x + 0));
        assert.deepEqual(
          [...flat(gradients, [w])].map((x) => x + 0),
          times(at).map((x, i) => x + b[i]! + 0),
        );
        w.dispose();
        tf.engine().endScope();
      }),
      { numRuns: 30 },
    );
  });
}

Deno.test("hessianVectorProduct() has the mixed block of two variables, and names it by variable", async () => {
  await tf.setBackend("cpu");
  // f = a²b: H = [[2b, 2a], [2a, 0]]; at a = 3, b = 5 and v = (1, 10) it gives (70, 6)
  const [a, b] = [tf.variable(tf.scalar(3), true, "so/a"), tf.variable(tf.scalar(5), true, "so/b")];
  const { value, gradients, products } = hessianVectorProduct(
    () => tf.mul(tf.square(a), b) as tf.Scalar,
    [b, a],
    { "so/a": tf.scalar(1), "so/b": tf.scalar(10) },
  );
  assert.equal(value.dataSync()[0], 45);
  assert.deepEqual(Object.keys(products), ["so/b", "so/a"]);
  assert.deepEqual([gradients["so/a"]!.dataSync()[0], gradients["so/b"]!.dataSync()[0]], [30, 9]);
  assert.deepEqual([products["so/a"]!.dataSync()[0], products["so/b"]!.dataSync()[0]], [70, 6]);
});

Deno.test("hessianVectorProduct() gives zeros where the loss is linear, and leaves out what it does not use", async () => {
  await tf.setBackend("cpu");
  const [used, unused] = [tf.variable(tf.tensor1d([1, 2])), tf.variable(tf.scalar(1))];
  const vectors = randomVectors([used, unused], 1);
  const linear = () => tf.sum(used) as tf.Scalar;
  const { gradients, products } = hessianVectorProduct(linear, [used, unused], vectors);
  assert.deepEqual([...products[used.name]!.dataSync()], [0, 0]);
  assert.deepEqual([...gradients[used.name]!.dataSync()], [1, 1]);
  assert.deepEqual([Object.keys(gradients), Object.keys(products)], [[used.name], [used.name]]);
});

Deno.test("hessianVectorProduct() differentiates a gradient penalty", async () => {
  await tf.setBackend("cpu");
  const w = tf.variable(normalTensor([3, 2], 1)), x = normalTensor([4, 3], 2);
  const energy = (x: tf.Tensor) => tf.sum(tf.tanh(tf.matMul(x, w)));
  const f = () =>
    tf.tidy(() => tf.add(energy(x), tf.mean(tf.square(tf.grad(energy)(x)))) as tf.Scalar);
  assert.ok(await productError(f, [w]) < 3e-4);
});

Deno.test("hessianVectorProduct() calls the closure once, and leaves only its result", async () => {
  await tf.setBackend("cpu");
  const w = tf.variable(normalTensor([3], 1)), vectors = randomVectors([w], 2);
  let calls = 0;
  // As model.fit does with metrics: a tensor kept in each call.
  const f = () => {
    calls++;
    const y = tf.sum(tf.exp(tf.tanh(w)));
    tf.keep(tf.square(y));
    return y as tf.Scalar;
  };
  const before = tf.memory();
  const result = hessianVectorProduct(f, [w], vectors);
  assert.equal(calls, 1);
  assert.equal(tf.memory().numTensors, before.numTensors + 3);
  tf.dispose([result.value, result.gradients, result.products]);
  assert.equal(tf.memory().numTensors, before.numTensors);
  assert.equal(tf.memory().numDataBuffers, before.numDataBuffers);
  tf.tidy(() => void hessianVectorProduct(f, [w], vectors));
  assert.equal(tf.memory().numTensors, before.numTensors, "a tidy disposes the result");
});

Deno.test("hessianVectorProduct() leaves nothing behind when it throws, and works again", async () => {
  await tf.setBackend("cpu");
  const w = tf.variable(normalTensor([3], 1)), other = tf.variable(tf.scalar(1));
  const vectors = randomVectors([w], 2);
  const before = tf.memory().numTensors;
  const throws = (f: () => tf.Tensor, message: string | RegExp) =>
    assert.throws(() => hessianVectorProduct(f as () => tf.Scalar, [w], vectors), { message });
  throws(() => {
    tf.tanh(w);
    throw new Error("no more data");
  }, "no more data");
  throws(() => tf.sum(tf.logSigmoid(w)), /^Cannot take second derivatives through logSigmoid: /);
  throws(
    () => tf.tanh(w),
    /the loss has shape \[3\] and dtype float32, expected a float32 scalar$/,
  );
  throws(() => tf.square(other), /^Cannot take second derivatives: the loss uses none of "/);
  assert.equal(tf.memory().numTensors, before);
  const { value, gradients, products } = hessianVectorProduct(
    () => tf.sum(tf.exp(w)) as tf.Scalar,
    [w],
    vectors,
  );
  const expected = w.dataSync().map((x, i) => Math.exp(x) * vectors[w.name]!.dataSync()[i]!);
  assertAllClose(products[w.name]!.dataSync(), expected, { relative: 1e-6 });
  tf.dispose([value, gradients, products]);
  assert.equal(tf.memory().numTensors, before);
});

Deno.test("hessianVectorProduct() names what does not fit", async () => {
  await tf.setBackend("cpu");
  const w = tf.variable(tf.zeros([2, 3]), true, "so/w");
  const whole = tf.variable(tf.tensor1d([1], "int32"), true, "so/i");
  const f = () => tf.sum(w) as tf.Scalar;
  const cases: [tf.Variable[], tf.NamedTensorMap, string][] = [
    [[], {}, "there are no variables"],
    [[w], {}, 'no vector for "so/w"'],
    [
      [w],
      { "so/w": tf.zeros([3, 2]) },
      'the vector for "so/w" has shape [3,2] and dtype float32, expected [2,3] and float32',
    ],
    [[whole], {}, '"so/i" has dtype int32, expected float32'],
  ];
  for (const [variables, vectors, reason] of cases) {
    assert.throws(() => hessianVectorProduct(f, variables, vectors), {
      name: "TypeError",
      message: `Cannot multiply by the Hessian: ${reason}`,
    });
  }
});
