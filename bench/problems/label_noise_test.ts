import assert from "node:assert/strict";
import { keysOf } from "../_testing.ts";
import { labelNoiseData, noiseShares, randomiseLabels } from "./label_noise.ts";

Deno.test("labelNoiseData() has disjoint parts, the same for every share but for the labels", () => {
  const { train, validation, test } = labelNoiseData(1, true);
  assert.deepEqual([train.count, validation!.count, test.count], [600, 600, 2000]);
  assert.equal(new Set([train, validation!, test].flatMap(keysOf)).size, 3200);
  assert.deepEqual(labelNoiseData(1, true).train.y, train.y);
  const clean = labelNoiseData(1, true, 0);
  assert.deepEqual(clean.train.x, train.x);
  assert.notDeepEqual(clean.train.y, train.y);
});

Deno.test("randomiseLabels() changes nine in ten of the share that it draws anew", () => {
  const count = 10_000;
  const y = Int32Array.from({ length: count }, (_, i) => i % 10);
  const all = { count, features: 0, x: new Float32Array(), y };
  for (const share of [...noiseShares, 0.3]) {
    const noisy = randomiseLabels(all, share, 1);
    const changed = noisy.y.filter((label, i) => label !== y[i]).length / count;
    // A new label is the old one a tenth of the time; four standard errors.
    const expected = 0.9 * share;
    const error = Math.sqrt(expected * (1 - expected) / count);
    assert.ok(Math.abs(changed - expected) <= 4 * error, `${changed} of ${share}`);
  }
});
