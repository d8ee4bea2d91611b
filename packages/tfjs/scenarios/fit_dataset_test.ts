import * as tf from "@tensorflow/tfjs-core";
import * as data from "@tensorflow/tfjs-data";
import assert from "node:assert/strict";
import { both, compiled, fitOptions, softmaxModel, threeClasses } from "../_testing.ts";
import { adam, type Definition, precond, type PrecondOptions } from "../mod.ts";

const examples = 48, batchSize = fitOptions.batchSize;

/** Definitions that ask for nothing, and for every kind of evidence. */
const cases: Readonly<Record<string, () => [Definition, PrecondOptions]>> = {
  "adam": () => [adam({ learningRate: 0.05, epsilon: 1e-7 }), {}],
  "combined with evidence": () => [both(2), { seed: 3, gradientSquares: { every: 2 } }],
};

/** The same examples as a dataset of batches, in their order. */
function datasetOf(x: tf.Tensor, y: tf.Tensor) {
  const [xs, ys] = [x, y].map((t) => data.array(t.arraySync() as number[][]));
  return data.zip({ xs: xs!, ys: ys! }).batch(batchSize) as data.Dataset<
    { xs: tf.Tensor; ys: tf.Tensor }
  >;
}

for (const backend of ["cpu", "wasm"]) {
  for (const [name, make] of Object.entries(cases)) {
    Deno.test(`model.fitDataset() with ${name} takes the steps of model.fit() on ${backend}`, async () => {
      await tf.setBackend(backend);
      const { x, y } = threeClasses(examples);
      const dataset = datasetOf(x, y);
      const [one, two] = [0, 1].map(() => compiled(...make()));
      const losses: [number[], number[]] = [[], []];
      const callbacks = (i: 0 | 1) => ({
        onBatchEnd: (_: number, logs?: { loss?: number }) => void losses[i].push(logs!.loss!),
      });
      await one!.model.fit(x, y, { ...fitOptions, epochs: 3, callbacks: callbacks(0) });
      await two!.model.fitDataset(dataset, { epochs: 3, verbose: 0, callbacks: callbacks(1) });
      assert.equal(losses[0].length, 3 * examples / batchSize);
      assert.deepEqual(losses[1], losses[0]);
      const [a, b] = [one!, two!].map(({ model }) =>
        model.getWeights().map((w) => [...w.dataSync()])
      );
      assert.deepEqual(b, a);
      assert.deepEqual(two!.optimizer.cost, one!.optimizer.cost);
      assert.equal(two!.optimizer.iterations, losses[0].length);
      assert.equal(two!.optimizer.cost.extra > 0, name !== "adam");

      const before = tf.memory().numTensors;
      await two!.model.fitDataset(dataset, { epochs: 2, verbose: 0 });
      assert.equal(tf.memory().numTensors, before, "no tensor is left, with metrics on");
      for (const { model, optimizer } of [one!, two!]) {
        optimizer.dispose();
        model.dispose();
      }
      tf.dispose([x, y]);
    });
  }
}

Deno.test("model.fitDataset() with a loss by name trains as tf.train.adam does", async () => {
  await tf.setBackend("cpu");
  const { x, y } = threeClasses(examples);
  const dataset = datasetOf(x, y);
  const optimizers = [
    precond(adam({ learningRate: 0.05, epsilon: 1e-7 })),
    tf.train.adam(0.05, 0.9, 0.999, 1e-7),
  ];
  const weights = [];
  for (const optimizer of optimizers) {
    const model = softmaxModel();
    model.compile({ optimizer, loss: "categoricalCrossentropy" });
    await model.fitDataset(dataset, { epochs: 3, verbose: 0 });
    weights.push(model.getWeights().flatMap((w) => [...w.dataSync()]));
    optimizer.dispose();
    model.dispose();
  }
  const [ours, theirs] = weights as [number[], number[]];
  // 18 float32 steps of about .05 each.
  ours.forEach((w, i) => assert.ok(Math.abs(w - theirs[i]!) < 1e-5, `${w} and ${theirs[i]}`));
  tf.dispose([x, y]);
});
