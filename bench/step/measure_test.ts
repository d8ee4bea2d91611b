import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";
import { checkStepRows } from "../_testing.ts";
import { pixels } from "../problems/digits.ts";
import { digitBatches, stepContenders } from "./contenders.ts";
import { measureStep } from "./measure.ts";
import { gradientsOnly, pairs } from "./rows.ts";

const sizes = [pixels, 4, 10];
const small = { sizes, batchSize: 8, samples: 5, runtime: "deno", waits: "sample" } as const;

for (const backend of ["cpu", "wasm"]) {
  Deno.test(`measureStep() has a row for each method of ours on ${backend}, and leaves no tensor of ours`, async () => {
    await tf.setBackend(backend);
    const before = tf.memory().numTensors;
    const rows = await measureStep({ ...small, backend });
    // tf.train.momentum keeps the scalar of its learning rate when it is disposed.
    assert.equal(tf.memory().numTensors, before + 1);
    checkStepRows(rows, backend, "deno");
  });
}

Deno.test("both sides of a pair take the same steps, on batches that differ; gradients take none", async () => {
  await tf.setBackend("cpu");
  const batches = digitBatches(small);
  const contenders = stepContenders(sizes, batches);
  const weights = (name: string) =>
    contenders.find((c) => c.name === name)!.variables.flatMap((v) => [...v.dataSync()]);
  try {
    const labels = batches.map(({ y }) => [...y.dataSync()].join());
    assert.equal(new Set(labels).size, batches.length);
    const start = weights(gradientsOnly);
    for (const { step } of contenders) for (let i = 0; i < 10; i++) step();
    assert.deepEqual(weights(gradientsOnly), start);
    for (const [ours, theirs] of Object.entries(pairs)) {
      const [a, b] = [weights(ours), weights(theirs)];
      // Ten float32 steps; weights are below 1 and move by up to .01.
      a.forEach((w, i) => assert.ok(Math.abs(w - b[i]!) < 1e-5, `${ours}[${i}] is ${w}, ${b[i]}`));
      assert.ok(Math.max(...a.map((w, i) => Math.abs(w - start[i]!))) > 1e-3);
    }
  } finally {
    for (const contender of contenders) contender.dispose();
    tf.dispose(batches.flatMap(({ x, y }) => [x, y]));
  }
});

Deno.test("measureStep() refuses medians of fewer than five samples", async () => {
  const few = { ...small, backend: "cpu", samples: 4 };
  await assert.rejects(measureStep(few), /samples must be at least 5, current value is 4/);
});
