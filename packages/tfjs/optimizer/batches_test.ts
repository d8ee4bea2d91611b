// What a batch is: its size, and the smallest of them.
import { assertAllClose } from "@precond/testing";
import * as tf from "@tensorflow/tfjs-core";
import assert from "node:assert/strict";
import { backends, softmaxModel, threeClasses } from "../_testing.ts";
import {
  classification,
  diagonalNewton,
  empiricalFisher,
  evidenceLoss,
  gaussNewton,
  precond,
  signalNewton,
  signalSgd,
  squaredError,
} from "../mod.ts";

const fromSquares = { from: "gradientSquares" } as const;
const chains = {
  snrOnly: () => signalSgd(fromSquares),
  combined: () =>
    signalNewton({
      curvatureWarmup: 1,
      stepClip: Infinity,
      ...fromSquares,
      curvature: gaussNewton({ every: 2 }),
    }),
  curvatureOnly: () =>
    diagonalNewton({
      curvatureWarmup: 1,
      stepClip: Infinity,
      curvature: empiricalFisher(fromSquares),
    }),
};

for (const backend of backends) {
  for (const [name, make] of Object.entries(chains)) {
    // 17 examples: 8, 8 and 1. Five in batches of one: online learning.
    for (const [examples, batchSize] of [[17, 8], [5, 1]] as const) {
      Deno.test(`${name}() trains on ${examples} examples in batches of ${batchSize} on ${backend}`, async () => {
        await tf.setBackend(backend);
        const { x, y } = threeClasses(examples);
        const model = softmaxModel();
        const optimizer = precond(make());
        model.compile({ optimizer, loss: evidenceLoss("categoricalCrossentropy") });
        const before = model.getWeights().map((w) => [...w.dataSync()]);
        await model.fit(x, y, { epochs: 2, batchSize, shuffle: false, verbose: 0 });
        assert.equal(optimizer.iterations, 2 * Math.ceil(examples / batchSize));
        const after = model.getWeights().flatMap((w) => [...w.dataSync()]);
        assert.ok(after.every(Number.isFinite));
        assert.notDeepEqual(after, before.flat());
        optimizer.dispose();
        model.dispose();
        tf.dispose([x, y]);
      });
    }
  }
}

Deno.test("the curvature of a single example is its squared gradient", async () => {
  await tf.setBackend("cpu");
  const w = tf.variable(tf.scalar(2));
  // ½(2 · 3 − 1)²: g = 15, h = 225, and the step 0.1 · 15/225.
  const x = tf.tensor1d([3]), y = tf.tensor1d([1]);
  const optimizer = precond(
    diagonalNewton({
      curvatureWarmup: 1,
      stepClip: Infinity,
      learningRate: 0.1,
      curvature: empiricalFisher(fromSquares),
      damping: 0,
    }),
  );
  optimizer.minimize(squaredError(() => tf.mul(x, w), y));
  assertAllClose([w.dataSync()[0]!], [2 - 0.1 * 15 / 225], { relative: 1e-6 });
});

/** Evidence of the same data, batch first and sequence first. */
async function bothWays(
  definition: () => ReturnType<typeof signalSgd>,
  loss: (f: () => tf.Tensor, y: tf.Tensor, batchAxis: number) => () => tf.Scalar,
): Promise<[number[], number[]]> {
  await tf.setBackend("cpu");
  const x = tf.randomNormal([3, 5, 2], 0, 1, "float32", 4); // 3 examples of 5 steps
  const results = [0, 1].map((batchAxis) => {
    const inputs = batchAxis === 0 ? x : tf.transpose(x, [1, 0, 2]);
    const w = tf.variable(tf.tensor2d([[1, -1], [0.5, 2]]));
    const optimizer = precond(definition(), { seed: 3 });
    const f = () =>
      tf.reshape(
        tf.matMul(tf.reshape(inputs, [15, 2]), w as unknown as tf.Tensor2D),
        inputs.shape,
      );
    for (let i = 0; i < 3; i++) optimizer.minimize(loss(f, tf.zeros(inputs.shape), batchAxis));
    return [...w.dataSync()];
  });
  return results as [number[], number[]];
}

Deno.test("squaredError() of a sequence-first model is that of the batch-first one", async () => {
  for (
    const definition of [
      chains.snrOnly,
      () =>
        diagonalNewton({ curvatureWarmup: 1, stepClip: Infinity, curvature: empiricalFisher() }),
    ]
  ) {
    const [one, two] = await bothWays(
      definition,
      (f, y, batchAxis) => squaredError(f, y, { batchAxis }),
    );
    assertAllClose(two, one, { relative: 1e-5 });
  }
});

Deno.test("evidenceLoss() of a sequence-first model is that of the batch-first one", async () => {
  const [one, two] = await bothWays(chains.snrOnly, (f, y, batchAxis) => {
    const loss = evidenceLoss("meanSquaredError", { batchAxis });
    return () => tf.mean(loss(y, f())) as tf.Scalar;
  });
  assertAllClose(two, one, { relative: 1e-5 });
});

Deno.test("a batch size that losses disagree about is the option's, whichever answers first", async () => {
  await tf.setBackend("cpu");
  const steps = [[4, 2], [2, 4]].map((sizes) => {
    const w = tf.variable(tf.scalar(1));
    const losses = sizes.map(() => evidenceLoss("meanSquaredError"));
    const optimizer = precond(
      diagonalNewton({
        curvatureWarmup: 1,
        stepClip: Infinity,
        learningRate: 1,
        curvature: empiricalFisher(),
        damping: 0,
      }),
      { batchSize: 6 },
    );
    optimizer.minimize(() =>
      tf.addN(
        sizes.map((n, i) => tf.sum(losses[i]!(tf.zeros([n, 1]), tf.mul(w, tf.ones([n, 1]))))),
      ) as tf.Scalar
    );
    return 1 - w.dataSync()[0]!;
  });
  // g = 2 · 6 w = 12, h = 6 · 144: the step is 1/72.
  assertAllClose(steps, [1 / 72, 1 / 72], { relative: 1e-5 });
});

Deno.test("batchAxis must be an axis of the labels", () => {
  const labels = tf.zeros([2, 3]);
  for (const batchAxis of [2, -1, 0.5]) {
    assert.throws(() => squaredError(() => labels, labels, { batchAxis }), { name: "RangeError" });
  }
  assert.throws(
    () => squaredError(() => labels, labels, { axis: 1 } as object),
    { name: "TypeError", message: /"axis" is no option/ },
  );
  assert.doesNotThrow(() => classification(() => labels, labels));
});
