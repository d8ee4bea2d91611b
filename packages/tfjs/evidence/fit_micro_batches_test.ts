import { assertAllClose } from "@precond/testing";
import * as tf from "@tensorflow/tfjs-core";
import assert from "node:assert/strict";
import { softmaxModel, threeClasses } from "../_testing.ts";
import { evidenceLoss, fitMicroBatches, gaussNewton, precond, sgd, signalNewton } from "../mod.ts";

const both = () =>
  signalNewton({
    curvatureWarmup: 1,
    stepClip: Infinity,
    learningRate: 0.05,
    curvature: gaussNewton({ every: 2 }),
    from: "gradientSquares",
  });

for (const backend of ["cpu", "wasm"]) {
  Deno.test(`fitMicroBatches() equals accumulated batches, and leaves nothing, on ${backend}`, async () => {
    await tf.setBackend(backend);
    const { x, y } = threeClasses(24);
    const make = (accumulate: number) => {
      const [model, optimizer] = [softmaxModel(), precond(both(), { accumulate })];
      const loss = evidenceLoss("categoricalCrossentropy");
      model.compile({ optimizer, loss, metrics: ["accuracy"] });
      return { model, optimizer };
    };
    const [one, two] = [make(3), make(1)];
    const options = { epochs: 4, batchSize: 8, shuffle: false, verbose: 0 } as const;
    const { history } = await one.model.fit(x, y, options);
    const results: number[][] = [];
    let before = 0;
    for (let i = 0; i < 4; i++) {
      if (i === 1) before = tf.memory().numTensors;
      results.push(await fitMicroBatches(two.model, x, y, { microBatches: 3 }) as number[]);
    }
    assert.equal(tf.memory().numTensors, before);
    assert.equal(two.optimizer.iterations, 4);
    assert.equal(two.optimizer.accumulate, 1);
    const [a, b] = [one, two].map(({ model }) => [...model.getWeights()[0]!.dataSync()]);
    assert.deepEqual(b, a);
    // The means over the slices are what fit() reports for the epoch.
    assertAllClose(results.map(([loss]) => loss!), history.loss as number[], { relative: 1e-5 });
    assertAllClose(results.map((r) => r[1]!), history.acc as number[], { relative: 1e-5 });
    for (const { model, optimizer } of [one, two]) {
      optimizer.dispose();
      model.dispose();
    }
    tf.dispose([x, y]);
  });
}

Deno.test("fitMicroBatches() refuses what does not divide, and drops what a failure leaves", async () => {
  await tf.setBackend("cpu");
  const { x, y } = threeClasses(10);
  const model = softmaxModel();
  model.compile({ optimizer: "sgd", loss: "meanSquaredError" });
  const fit = (microBatches: number) => fitMicroBatches(model, x, y, { microBatches });
  await assert.rejects(() => fit(2), { message: /optimizer is not made by precond\(\)/ });
  const optimizer = precond(sgd());
  model.compile({ optimizer, loss: "meanSquaredError" });
  await assert.rejects(() => fit(4), {
    name: "RangeError",
    message: "Cannot fit micro-batches: 10 examples do not make 4 equal slices",
  });
  await assert.rejects(() => fit(1), { message: /at least 2, current value is 1/ });
  const failing = {
    optimizer,
    calls: 0,
    trainOnBatch(xs: tf.Tensor, ys: tf.Tensor) {
      return ++this.calls === 2 ? Promise.reject(new Error("no")) : model.trainOnBatch(xs, ys);
    },
  };
  const before = tf.memory().numTensors;
  await assert.rejects(() => fitMicroBatches(failing, x, y, { microBatches: 5 }), {
    message: "no",
  });
  assert.equal(tf.memory().numTensors, before);
  assert.deepEqual([optimizer.iterations, optimizer.accumulate], [0, 1]);
  model.dispose();
  tf.dispose([x, y]);
});
