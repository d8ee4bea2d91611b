import { assertAllClose } from "@precond/testing";
import * as tf from "@tensorflow/tfjs-core";
import assert from "node:assert/strict";
import { leaked, threeClasses } from "../_testing.ts";
import {
  adam,
  chain,
  classification,
  diagonalNewton,
  empiricalFisher,
  gaussNewton,
  precond,
  type PrecondOptimizer,
  scaleBy,
  signalFraction,
  signalNewton,
  userCurvature,
} from "../mod.ts";

const both = () =>
  signalNewton({
    curvatureWarmup: 1,
    stepClip: Infinity,
    learningRate: 0.05,
    curvature: gaussNewton({ every: 2 }),
    from: "gradientSquares",
  });
const T = () => chain(scaleBy(signalFraction({ from: "gradientSquares", decay: 0, floor: 0 })));

Deno.test("accumulate makes one update of k calls, with their squares", async () => {
  await tf.setBackend("cpu");
  const w = tf.variable(tf.scalar(2), true, "accumulated");
  const optimizer = precond(T(), { accumulate: 4 });
  const seen: [number, number][] = [];
  for (const g of [1, 2, 3, 6]) {
    optimizer.applyGradients([{ name: w.name, tensor: tf.scalar(g) }]);
    seen.push([optimizer.iterations, w.dataSync()[0]!]);
  }
  assert.deepEqual(seen.slice(0, 3), [[0, 2], [0, 2], [0, 2]]);
  assert.equal(seen[3]![0], 1);
  // Mean 3, T = 47/54: the golden number of the batch {1, 2, 3, 6}.
  assertAllClose([seen[3]![1]], [2 - 3 * 47 / 54], { relative: 1e-6 });
  optimizer.dispose();
  w.dispose();
});

for (const backend of ["cpu", "wasm"]) {
  Deno.test(`accumulate equals minimizeMicroBatches() to the last bit on ${backend}`, async () => {
    await tf.setBackend(backend);
    const { x, y } = threeClasses(24);
    const part = (t: tf.Tensor, i: number) => tf.slice(t, i * 8, 8);
    const run = (train: (o: PrecondOptimizer, losses: (() => tf.Scalar)[]) => void, k: number) => {
      const w = tf.variable(tf.fill([4, 3], 0.1), true, `w${k}${backend}`);
      const parts = [0, 1, 2].map((i) => [part(x, i), part(y, i)] as const);
      const losses = parts.map(([xs, ys]) => classification(() => tf.matMul(xs, w), ys));
      const optimizer = precond(both(), { accumulate: k, seed: 2 });
      for (let i = 0; i < 5; i++) train(optimizer, losses);
      assert.equal(optimizer.iterations, 5);
      assert.deepEqual(optimizer.cost, { gradients: 18, extra: 3 });
      const values = [...w.dataSync()];
      optimizer.dispose();
      tf.dispose([parts.flat(), w]);
      return values;
    };
    const accumulated = run((o, losses) => losses.forEach((f) => void o.minimize(f)), 3);
    const together = run((o, losses) => void o.minimizeMicroBatches(losses), 1);
    assert.deepEqual(accumulated, together);
    tf.dispose([x, y]);
  });
}

Deno.test("the batch of an accumulated update is that of all its calls", async () => {
  await tf.setBackend("cpu");
  const w = tf.variable(tf.scalar(0), true, "counted");
  const run = (train: (o: PrecondOptimizer) => void, accumulate: number) => {
    const optimizer = precond(
      diagonalNewton({
        curvatureWarmup: 1,
        stepClip: Infinity,
        learningRate: 1,
        damping: 0,
        curvature: empiricalFisher(),
      }),
      { accumulate, batchSize: 2 },
    );
    w.assign(tf.scalar(0));
    train(optimizer);
    optimizer.dispose();
    return w.dataSync()[0]!;
  };
  // Mean gradient 2, B = 6: the step is g/(B g²).
  const losses = [1, 2, 3].map((c) => () => tf.mul(c, w) as tf.Scalar);
  const accumulated = run((o) => losses.forEach((f) => void o.minimize(f, false, [w])), 3);
  assertAllClose([accumulated], [-2 / (6 * 4)], { relative: 1e-6 });
  assert.equal(run((o) => void o.minimizeMicroBatches(losses, false, [w]), 1), accumulated);
  const apply = (o: PrecondOptimizer) =>
    [1, 2, 3].forEach((g) => o.applyGradients({ counted: tf.scalar(g) }));
  assert.equal(run(apply, 3), accumulated);
  w.dispose();
});

Deno.test("user curvature is averaged over the calls that bring it", async () => {
  await tf.setBackend("cpu");
  const w = tf.variable(tf.scalar(0), true, "averaged");
  const optimizer = precond(
    signalNewton({
      curvatureWarmup: 1,
      stepClip: Infinity,
      learningRate: 1,
      momentum: 0,
      damping: 0,
      curvatureDecay: 0,
      curvature: userCurvature(),
    }),
    { accumulate: 2 },
  );
  const apply = (g: number, c: number) =>
    optimizer.applyGradients({ averaged: tf.scalar(g) }, { curvature: { averaged: tf.scalar(c) } });
  apply(2, 1);
  apply(4, 5);
  // T = 1 on the first update: −mean(2, 4)/mean(1, 5)
  assertAllClose(w.dataSync(), [-1]);
  assert.throws(() =>
    optimizer.applyGradients({ averaged: tf.scalar(1) }, {
      gradientSquares: { averaged: tf.scalar(1) },
      microBatches: 2,
    }), { message: /gradientSquares are made from the accumulated calls, and given too/ });
  optimizer.dispose();
  w.dispose();
});

Deno.test("a half-done accumulation is disposed, not saved, and holds no wrong gradient", async () => {
  await tf.setBackend("cpu");
  const w = tf.variable(tf.scalar(1), true, "half");
  const make = () => precond(adam({ learningRate: 0.1 }), { accumulate: 2 });
  const optimizer = make();
  const [g, wrong] = [tf.scalar(1), tf.tensor1d([1, 2])];
  const half = () => optimizer.applyGradients({ half: g });
  const file = await optimizer.save();
  assert.equal(leaked(half), 1);
  assert.deepEqual(await optimizer.save(), file);
  assert.throws(() => optimizer.applyGradients({ half: wrong }), {
    message: /its gradient has shape \[2\]/,
  });
  assert.equal(leaked(() => optimizer.load(file)), -1);
  half();
  assert.equal(leaked(() => optimizer.accumulate = 2), -1);
  half();
  assert.equal(leaked(() => optimizer.dispose()), -1);
  assert.deepEqual([optimizer.iterations, w.dataSync()[0]], [0, 1]);
  assert.throws(() => optimizer.accumulate = 0, {
    name: "RangeError",
    message: /accumulate must be a positive integer, current value is 0/,
  });
  assert.throws(
    () => optimizer.minimizeMicroBatches([() => w as tf.Scalar, () => w as tf.Scalar]),
    {
      message: "Cannot compare micro-batches: the optimizer accumulates 2 calls already",
    },
  );
  tf.dispose([w, g, wrong]);
});
