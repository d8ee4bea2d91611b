import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { copyBandwidth, time } from "./bandwidth.ts";
import { measure } from "./measure.ts";

Deno.test("measure() has a row for each method and baseline, and leaves no tensor of ours behind", async () => {
  await tf.setBackend("cpu");
  const before = tf.memory().numTensors;
  const rows = await measure({ backend: "cpu", parameters: 1000, variables: 2, samples: 5 });
  // tf.train.momentum keeps the scalar of its learning rate when it is disposed.
  assert.equal(tf.memory().numTensors, before + 1);
  assert.deepEqual(rows.map(({ method, baseline }) => [method, baseline]), [
    ["sgd momentum", "tf.train.adam"],
    ["sgd momentum", "tf.train.momentum"],
    ["adam", "tf.train.adam"],
    ["snrOnly", "tf.train.adam"],
    ["snrOnly", "adam"],
    ["combined", "tf.train.adam"],
  ]);
  for (const row of rows) {
    assert.equal(row.ratio, row.ours_ms / row.baseline_ms);
    assert.equal(row.refresh_ms !== null, row.method === "combined");
    const share = row.gigabytes_per_second / row.copy_gigabytes_per_second;
    assert.ok(Math.abs(row.bandwidth_share / share - 1) < 1e-12);
  }
});

Deno.test("measure() refuses medians of fewer than five samples", async () => {
  const one = { backend: "cpu", parameters: 10, variables: 1, samples: 4 };
  await assert.rejects(measure(one), /samples must be at least 5, current value is 4/);
});

for (const kind of ["wasm", "javascript"] as const) {
  Deno.test(`copyBandwidth() of ${kind} is a number of bytes`, () => {
    const bandwidth = copyBandwidth(kind, 1 << 17);
    assert.ok(bandwidth > 0 && bandwidth < Infinity);
  });
}

Deno.test("time() repeats a call until the clock can see it", () => {
  let calls = 0;
  time(() => calls++, 2, 1);
  assert.ok(calls > 10);
});
