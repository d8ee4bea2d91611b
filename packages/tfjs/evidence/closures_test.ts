import { assertAllClose } from "@precond/testing";
import * as tf from "@tensorflow/tfjs-core";
import assert from "node:assert/strict";
import { leaked } from "../_testing.ts";
import { chain, precond, scaleBy, sgd, signalFraction } from "../mod.ts";
import { tensorBackend } from "../backends/tensors.ts";
import { hutchinsonSampler } from "./hutchinson.ts";
import { microBatchEvidence } from "./micro_batches.ts";

Deno.test("hutchinsonSampler() is diag(H) exactly when H is diagonal, whatever the signs", async () => {
  await tf.setBackend("cpu");
  const w = tf.variable(tf.tensor1d([1, -2, 0.5]));
  const h = tf.tensor1d([1, 10, 0.1]);
  // ½ Σ h w²: gradients are linear, so that the central difference has rounding error only.
  const f = () => tf.mul(0.5, tf.sum(tf.mul(h, tf.square(w)))) as tf.Scalar;
  for (const seed of [1, 2, 3]) {
    const sample = hutchinsonSampler(tensorBackend(), 1e-2).sample(f, [w], { seed });
    assertAllClose(sample[w.name]!.dataSync(), h.dataSync(), { relative: 1e-3, absolute: 1e-4 });
    tf.dispose(sample);
  }
  assert.deepEqual([...w.dataSync()], [1, -2, 0.5]);
});

Deno.test("hutchinsonSampler() averages to diag(H) for a correlated H, and agrees with double backprop", async () => {
  await tf.setBackend("cpu");
  const w = tf.variable(tf.tensor1d([0.3, -0.2]));
  const H = tf.tensor2d([[2, 1], [1, 3]]);
  const f = () => {
    const v = tf.reshape(w, [2, 1]);
    return tf.mul(0.5, tf.sum(tf.mul(v, tf.matMul(H, v)))) as tf.Scalar;
  };
  // z∘(Hz) is (2 ± 1, 3 ± 1): its mean over 400 draws has standard error 1/20.
  const mean = [0, 0];
  for (let seed = 0; seed < 400; seed++) {
    const sample = hutchinsonSampler(tensorBackend(), 1e-2).sample(f, [w], { seed: seed * 31 });
    const values = sample[w.name]!.dataSync();
    assertAllClose([Math.abs(values[0]! - 2), Math.abs(values[1]! - 3)], [1, 1], {
      relative: 1e-2,
    });
    values.forEach((v, i) => mean[i]! += v / 400);
    tf.dispose(sample);
  }
  assertAllClose(mean, [2, 3], { absolute: 0.2 });
});

Deno.test("a closure that throws on its extra call leaves weights and memory as they were", async () => {
  await tf.setBackend("cpu");
  const w = tf.variable(tf.tensor1d([1, 2]));
  let calls = 0;
  const f = () => {
    if (++calls === 2) throw new Error("no more data");
    return tf.sum(tf.square(w)) as tf.Scalar;
  };
  assert.equal(
    leaked(() =>
      assert.throws(() => hutchinsonSampler(tensorBackend(), 1e-3).sample(f, [w], { seed: 1 }), {
        message: "no more data",
      })
    ),
    0,
  );
  assert.deepEqual([...w.dataSync()], [1, 2]);
});

Deno.test("micro-batches give the mean gradient and the mean of its squares", async () => {
  await tf.setBackend("cpu");
  const w = tf.variable(tf.scalar(2), true, "micro");
  // gradients 1, 2, 3, 6 of the losses c·w
  const closures = [1, 2, 3, 6].map((c) => () => tf.mul(c, w) as tf.Scalar);
  const { value, grads: gradients, evidence } = microBatchEvidence(tensorBackend(), closures, [w]);
  const { gradientSquares } = evidence;
  assert.equal(value.dataSync()[0], 6);
  assert.equal(gradients.micro!.dataSync()[0], 3);
  assert.equal(gradientSquares.micro!.dataSync()[0], 12.5);
  tf.dispose([value, gradients, gradientSquares]);
  // T = 47/54: the golden number of one batch {1, 2, 3, 6}.
  const T = signalFraction({ from: "gradientSquares", decay: 0, floor: 0 });
  const optimizer = precond(chain(scaleBy(T)));
  assert.equal(leaked(() => optimizer.minimizeMicroBatches(closures, false, [w])), 2); // slots a, b
  assertAllClose(w.dataSync(), [2 - 3 * 47 / 54], { relative: 1e-6 });
  assert.throws(() => precond(sgd()).minimizeMicroBatches([closures[0]!]), { name: "RangeError" });
  assert.throws(
    () =>
      optimizer.applyGradients({ micro: tf.scalar(1) }, {
        gradientSquares: { micro: tf.scalar(1) },
      }),
    {
      message: /microBatches must be a positive integer, current value is NaN/,
    },
  );
});
