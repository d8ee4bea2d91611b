import { assertAllClose } from "@precond/testing";
import * as tf from "@tensorflow/tfjs-core";
import assert from "node:assert/strict";
import { both, compiled, fitOptions, softmaxModel, threeClasses } from "../_testing.ts";
import {
  classification,
  diagonalNewton,
  empiricalFisher,
  gaussNewton,
  precond,
  withEvidence,
} from "../mod.ts";

for (const backend of ["cpu", "wasm"]) {
  Deno.test(`inside model.fit() evidence averages to curvature and mean squares on ${backend}`, async () => {
    await tf.setBackend(backend);
    const { x, y } = threeClasses(8);
    const run = async (curvature: ReturnType<typeof gaussNewton>) => {
      const { model, optimizer } = compiled(
        diagonalNewton({
          curvatureWarmup: 1,
          stepClip: Infinity,
          learningRate: 0,
          curvature,
          curvatureDecay: 0.9999,
        }),
      );
      await model.fit(x, y, { ...fitOptions, epochs: 800 });
      const h = await optimizer.slot(model.trainableWeights[0]!.name, "inverseCurvature.h");
      const p = (model.predict(x) as tf.Tensor).arraySync() as number[][];
      model.dispose();
      return { h, p };
    };
    const xs = x.arraySync() as number[][], ys = y.arraySync() as number[][];
    // The mean over examples of x_d² times that of the residual's square: drawn, or the data's.
    const expected = (square: (i: number, k: number) => number) =>
      Float64Array.from({ length: 12 }, (_, j) => {
        const [d, k] = [Math.floor(j / 3), j % 3];
        return xs.reduce((sum, row, i) => sum + row[d]! ** 2 * square(i, k), 0) / 8;
      });
    // 800 draws of relative deviation at most √2: standard error 5 %.
    const tolerance = { relative: 0.2, absolute: 0.005 };
    const drawn = await run(gaussNewton({ every: 1 }));
    const variance = (i: number, k: number) => drawn.p[i]![k]! * (1 - drawn.p[i]![k]!);
    assertAllClose(drawn.h, expected(variance), tolerance);
    const given = await run(empiricalFisher({ from: "gradientSquares" }));
    const residual = (i: number, k: number) => (given.p[i]![k]! - ys[i]![k]!) ** 2;
    assertAllClose(given.h, expected(residual), tolerance);
    tf.dispose([x, y]);
  });
}

Deno.test("cost counts gradients, and follows every", async () => {
  await tf.setBackend("cpu");
  const { x, y } = threeClasses(48);
  const { model, optimizer } = compiled(both(3), { gradientSquares: { every: 2 } });
  const costs: number[] = [];
  await model.fit(x, y, {
    ...fitOptions,
    callbacks: { onBatchEnd: () => void costs.push(optimizer.cost.extra) },
  });
  // Labels on steps 1, 4; signs on 1, 3, 5; once a look for penalties.
  assert.deepEqual(costs, [3, 3, 4, 5, 6, 6]);
  assert.deepEqual(optimizer.cost, { gradients: 12, extra: 6 });
  model.dispose();
  tf.dispose([x, y]);
});

Deno.test("a loss that is not wrapped gives no labels, and the error says how", async () => {
  await tf.setBackend("cpu");
  const { x, y } = threeClasses(8);
  const { model } = compiled(both(1));
  const before = model.getWeights().map((w) => [...w.dataSync()]);
  model.compile({ optimizer: model.optimizer, loss: "categoricalCrossentropy" });
  await assert.rejects(() => model.fit(x, y, fitOptions), {
    name: "TypeError",
    message:
      /the closure gives only a loss; .* wrap the loss of a layers model in evidenceLoss\(\)/,
  });
  assert.deepEqual(model.getWeights().map((w) => [...w.dataSync()]), before);
  assert.throws(() => withEvidence(softmaxModel()), { message: /it is not compiled/ });
});

Deno.test("likelihood closures bring squares of their own to minimize()", async () => {
  await tf.setBackend("cpu");
  const { x, y } = threeClasses(8);
  const w = tf.variable(tf.zeros([4, 3]));
  const optimizer = precond(
    diagonalNewton({
      curvatureWarmup: 1,
      stepClip: Infinity,
      learningRate: 0,
      curvature: empiricalFisher({ from: "gradientSquares" }),
      curvatureDecay: 0.9999,
    }),
  );
  const loss = classification(() => tf.matMul(x, w), y);
  for (let i = 0; i < 800; i++) optimizer.minimize(loss, false, [w]);
  // Every p is ⅓: residuals are −⅔ for the class and ⅓ for the others.
  const expected = tf.tidy(() =>
    tf.matMul(tf.div(tf.square(x), 8), tf.square(tf.sub(1 / 3, y)), true).dataSync()
  );
  const h = await optimizer.slot(w.name, "inverseCurvature.h");
  assertAllClose(h, expected, { relative: 0.2, absolute: 0.005 });
  assert.deepEqual(optimizer.cost, { gradients: 1600, extra: 800 });
  tf.dispose([x, y, w]);
  optimizer.dispose();
});
