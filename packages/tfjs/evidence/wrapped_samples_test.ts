import { assertAllClose } from "@precond/testing";
import * as tf from "@tensorflow/tfjs-core";
import assert from "node:assert/strict";
import { leaked } from "../_testing.ts";
import { evidenceLoss, type LossFunction } from "../mod.ts";
import { extraGradients } from "./extra_call.ts";
import { createWrappedSamples } from "./wrapped_samples.ts";

type Closure = () => tf.Scalar;

const B = 5;
const makeData = () => {
  const x = tf.randomNormal([B, 2], 0, 1, "float32", 1);
  const y = tf.tensor2d([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0], [0, 0, 1]]);
  const w = tf.variable(tf.randomNormal([2, 3], 0, 1, "float32", 2) as tf.Tensor2D);
  return { x, y, w };
};

const gradient = (f: Closure, w: tf.Variable): Float32Array => {
  const { value, gradients } = extraGradients(f, [w]);
  const values = gradients[w.name]!.dataSync().slice() as Float32Array;
  tf.dispose([value, gradients]);
  return values;
};

/** (1/B) Σ_i g_i² from the losses of the examples alone. */
const meanSquares = (lossOf: (i: number) => tf.Scalar, w: tf.Variable): Float64Array => {
  const total = new Float64Array(w.size);
  for (let i = 0; i < B; i++) {
    gradient(() => lossOf(i), w).forEach((g, j) => total[j]! += g * g / B);
  }
  return total;
};

const meanOver = (draws: number, sample: (seed: number) => tf.NamedTensorMap, w: tf.Variable) => {
  const total = new Float64Array(w.size);
  for (let seed = 1; seed <= draws; seed++) {
    const found = sample(seed * 1009);
    found[w.name]!.dataSync().forEach((q, j) => total[j]! += q / draws);
    tf.dispose(found);
  }
  return total;
};

// 1,500 draws of relative deviation at most √2: standard error 3.7 %.
const tolerance = { relative: 0.15, absolute: 1e-4 };

for (const backend of ["cpu", "wasm"]) {
  for (const penalty of [0, 0.3]) {
    Deno.test(`random signs average to the mean squared gradient of one example, penalty ${penalty}, on ${backend}`, async () => {
      await tf.setBackend(backend);
      const { x, y, w } = makeData();
      const loss = evidenceLoss("categoricalCrossentropy");
      const closure = (rows: number[]) => () => {
        const [xs, ys] = [x, y].map((t) => tf.gather(t, rows)) as [tf.Tensor2D, tf.Tensor];
        const mean = tf.mean(loss(ys, tf.softmax(tf.matMul(xs, w)))) as tf.Scalar;
        return penalty ? tf.add(mean, tf.mul(penalty, tf.sum(tf.square(w)))) as tf.Scalar : mean;
      };
      const expected = meanSquares((i) => closure([i])(), w);
      const all = closure([0, 1, 2, 3, 4]);
      const samples = createWrappedSamples(extraGradients);
      const mean = meanOver(1500, (seed) => samples.signs(all, [w], B, seed), w);
      assertAllClose(mean, expected, tolerance);
      // Of one example the sample is its squared gradient exactly, whatever the sign.
      const [q, g] = [samples.signs(closure([2]), [w], 1, 5), gradient(closure([2]), w)];
      assertAllClose(q[w.name]!.dataSync(), g.map((v) => v * v), { relative: 1e-4 });
      tf.dispose([x, y, w, q]);
    });
  }
}

Deno.test("a penalty is no curvature: samples with drawn labels are those of the plain loss", async () => {
  await tf.setBackend("cpu");
  const { x, y, w } = makeData();
  const loss = evidenceLoss("categoricalCrossentropy");
  const plain = () => tf.mean(loss(y, tf.softmax(tf.matMul(x, w)))) as tf.Scalar;
  const more = () => tf.add(plain(), tf.sum(tf.square(w))) as tf.Scalar;
  const sample = (f: Closure) =>
    createWrappedSamples(extraGradients).labels(f, [w], "gaussNewton", 7);
  const [a, b] = [sample(plain), sample(more)];
  assertAllClose(b[w.name]!.dataSync(), a[w.name]!.dataSync(), { relative: 1e-4, absolute: 1e-6 });
  tf.dispose([x, y, w, a, b]);
});

Deno.test("two outputs: one sign an example, labels drawn apart", async () => {
  await tf.setBackend("cpu");
  const { x, y, w } = makeData();
  const losses = [0, 1].map(() => evidenceLoss("categoricalCrossentropy"));
  // The model's total loss: the sum of the outputs' losses, of one linear map and its double.
  const closure = (rows: number[]) => () => {
    const [xs, ys] = [x, y].map((t) => tf.gather(t, rows)) as [tf.Tensor2D, tf.Tensor];
    const z = tf.matMul(xs, w);
    const [a, b] = losses.map((f, i) => f(ys, tf.softmax(tf.mul(z, i + 1))));
    return tf.mean(tf.add(a!, b!)) as tf.Scalar;
  };
  const all = closure([0, 1, 2, 3, 4]);
  const samples = createWrappedSamples(extraGradients);
  const squares = meanOver(1500, (seed) => samples.signs(all, [w], B, seed), w);
  assertAllClose(squares, meanSquares((i) => closure([i])(), w), tolerance);
  // The Gauss-Newton matrix of a sum is the sum: p(1 − p) of z, and 4 p(1 − p) of 2z.
  const h = tf.tidy(() => {
    const z = tf.matMul(x as tf.Tensor2D, w as unknown as tf.Tensor2D);
    const of = (scale: number) => {
      const p = tf.softmax(tf.mul(z, scale));
      return tf.mul(scale ** 2, tf.mul(p, tf.sub(1, p)));
    };
    return tf.div(tf.matMul(tf.square(x) as tf.Tensor2D, tf.add(of(1), of(2)), true), B);
  });
  const drawn = meanOver(1500, (seed) => samples.labels(all, [w], "gaussNewton", seed), w);
  assertAllClose(drawn, h.dataSync(), tolerance);
  tf.dispose([x, y, w, h]);
});

Deno.test("a loss that tells no examples apart refuses signs, and leaves nothing", async () => {
  await tf.setBackend("cpu");
  const { x, y, w } = makeData();
  const total: LossFunction = (a, b) => tf.mean(tf.square(tf.sub(a, b)));
  const loss = evidenceLoss(total);
  const closure = () => tf.mean(loss(y, tf.matMul(x as tf.Tensor2D, w))) as tf.Scalar;
  const samples = createWrappedSamples(extraGradients);
  assert.equal(
    leaked(() =>
      assert.throws(() => samples.signs(closure, [w], B, 1), {
        name: "TypeError",
        message:
          'Cannot tell the examples of the loss "total" apart: its shape is [], expected one loss for each of 5 examples',
      })
    ),
    0,
  );
  // A function of one's own draws labels like a named loss.
  const like = evidenceLoss((a, b) => tf.sum(tf.square(tf.sub(a, b)), -1), {
    like: "meanSquaredError",
  });
  const f = () => tf.mean(like(y, tf.matMul(x as tf.Tensor2D, w))) as tf.Scalar;
  const sample = samples.labels(f, [w], "fisher", 1);
  assert.deepEqual(sample[w.name]!.shape, [2, 3]);
  tf.dispose([sample, x, y, w]);
});
