import { assertAllClose } from "@precond/testing";
import * as tf from "@tensorflow/tfjs-core";
import assert from "node:assert/strict";
import { leaked } from "../_testing.ts";
import {
  binary,
  classification,
  diagonalNewton,
  gaussNewton,
  precond,
  squaredError,
} from "../mod.ts";
import { extraGradients } from "./extra_call.ts";
import type { LikelihoodLoss } from "./likelihood_loss.ts";

await tf.setBackend("cpu");
const x = tf.tensor2d([[1, 0.5], [-1, 2], [0.3, 0.1]]);
const [B, D] = [3, 2];

/** B·ĝ², averaged over many draws. */
function averageSample(loss: LikelihoodLoss, w: tf.Variable, draws: number): Float64Array {
  const total = new Float64Array(w.size);
  for (let seed = 1; seed <= draws; seed++) {
    const { value, gradients } = extraGradients(() => loss.resampled(seed * 7919), [w]);
    gradients[w.name]!.dataSync().forEach((g, i) => total[i]! += B * g * g / draws);
    tf.dispose([value, gradients]);
  }
  return total;
}

Deno.test("classification() samples average to the Gauss-Newton diagonal of softmax regression", async () => {
  await tf.setBackend("cpu");
  const C = 3;
  const w = tf.variable(tf.tensor2d([[0.5, -0.2, 0.1], [0.3, 0.8, -0.5]]));
  const labels = tf.tensor1d([0, 1, 2], "int32");
  const loss = classification(() => tf.matMul(x, w), labels);
  const p = tf.softmax(tf.matMul(x, w)).arraySync() as number[][];
  const xs = x.arraySync();
  // (1/B) Σ_i x_id² p_ic (1 − p_ic)
  const expected = Float64Array.from({ length: D * C }, (_, k) => {
    const [d, c] = [Math.floor(k / C), k % C];
    return xs.reduce((s, row, i) => s + row[d]! ** 2 * p[i]![c]! * (1 - p[i]![c]!), 0) / B;
  });
  // 3,000 draws of a variable with relative deviation about 1.4: standard error 2.6 %.
  assertAllClose(averageSample(loss, w, 3000), expected, { relative: 0.12, absolute: 0.005 });
  w.dispose();
});

Deno.test("squaredError() samples average to (1/B) Σ x², binary() to (1/B) Σ x² p(1 − p)", async () => {
  await tf.setBackend("cpu");
  const w = tf.variable(tf.tensor2d([[0.7], [-0.4]]));
  const y = tf.tensor2d([[1], [0], [1]]);
  const xs = x.arraySync();
  const z = tf.matMul(x, w).dataSync();
  const mean = (f: (i: number) => number) =>
    [0, 1].map((d) => xs.reduce((s, row, i) => s + row[d]! ** 2 * f(i), 0) / B);
  const p = (i: number) => 1 / (1 + Math.exp(-z[i]!));
  const linear = squaredError(() => tf.matMul(x, w), y);
  const logistic = binary(() => tf.matMul(x, w), y);
  assertAllClose(averageSample(linear, w, 2000), mean(() => 1), { relative: 0.12 });
  assertAllClose(averageSample(logistic, w, 2000), mean((i) => p(i) * (1 - p(i))), {
    relative: 0.12,
  });
  w.dispose();
});

Deno.test("the losses equal their formulas, for class indices and one-hot labels", async () => {
  await tf.setBackend("cpu");
  const z = tf.tensor2d([[1, 2], [0, -1], [3, 3]]);
  const at = [1, 0, 0];
  const log = (row: number[], c: number) =>
    row[c]! - Math.log(row.reduce((s, v) => s + Math.exp(v), 0));
  const expected = -(z.arraySync().reduce((s, row, i) => s + log(row, at[i]!), 0)) / 3;
  const indices = tf.tensor1d(at, "int32");
  assertAllClose(classification(() => z, indices)().dataSync(), [expected], { relative: 1e-6 });
  const oneHot = tf.cast(tf.oneHot(indices, 2), "float32");
  assertAllClose(classification(() => z, oneHot)().dataSync(), [expected], { relative: 1e-6 });
  // ½(1 + 4 + 0 + 1 + 9 + 9)/3
  assertAllClose(squaredError(() => z, tf.zeros([3, 2]))().dataSync(), [4], { relative: 1e-6 });
  // softplus(z) − y z at z = 2, y = 1, and z = −100, y = 0
  const [a, b] = [tf.tensor1d([2, -100]), tf.tensor1d([1, 0])];
  assertAllClose(binary(() => a, b)().dataSync(), [Math.log1p(Math.exp(-2)) / 2], {
    relative: 1e-5,
  });
  assert.throws(() => squaredError(() => a, z)(), {
    message:
      "Cannot compute the squared error loss: the model gives shape [2], the labels have shape [3,2]",
  });
});

Deno.test("curvature is refreshed every k steps, and costs nothing between", async () => {
  await tf.setBackend("wasm");
  const w = tf.variable(tf.zeros([2, 3]));
  let forward = 0;
  const loss = classification(() => {
    forward++;
    return tf.matMul(x, w);
  }, tf.tensor1d([0, 1, 2], "int32"));
  const optimizer = precond(
    diagonalNewton({
      curvatureWarmup: 1,
      stepClip: Infinity,
      curvature: gaussNewton({ every: 3 }),
      damping: 0.1,
    }),
  );
  const calls = Array.from({ length: 7 }, () => {
    forward = 0;
    optimizer.minimize(loss, false, [w]);
    return forward;
  });
  assert.deepEqual(calls, [2, 1, 1, 2, 1, 1, 2]);
  assert.equal(
    leaked(() => {
      for (let i = 0; i < 6; i++) optimizer.minimize(loss, false, [w]);
    }),
    0,
  );
  optimizer.dispose();
  w.dispose();
});

Deno.test("random signs average to the mean squared gradient of one example", async () => {
  await tf.setBackend("cpu");
  const w = tf.variable(tf.tensor2d([[0.5, -0.2], [0.3, 0.8]]));
  const labels = tf.tensor2d([[1, 0], [0, 1], [1, 0]]);
  const square = (f: () => tf.Scalar): Float64Array => {
    const { value, gradients } = extraGradients(f, [w]);
    const squares = Float64Array.from(gradients[w.name]!.dataSync(), (g) => g * g);
    tf.dispose([value, gradients]);
    return squares;
  };
  for (const make of [classification, binary, squaredError]) {
    const loss = make(() => tf.matMul(x, w), labels);
    const [mean, expected] = [new Float64Array(4), new Float64Array(4)];
    for (let i = 0; i < B; i++) {
      const one = make(() => tf.matMul(tf.slice(x, i, 1), w), tf.slice(labels, i, 1));
      square(one).forEach((g2, j) => expected[j]! += g2 / B);
    }
    for (let seed = 1; seed <= 1500; seed++) {
      square(() => loss.signed!(seed * 1009)).forEach((g2, j) => mean[j]! += B * g2 / 1500);
    }
    // Relative deviation at most √2: standard error 3.7 %.
    assertAllClose(mean, expected, { relative: 0.15, absolute: 1e-4 });
  }
  tf.dispose([w, labels]);
});
