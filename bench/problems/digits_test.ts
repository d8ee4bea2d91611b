import assert from "node:assert/strict";
import { pick, pixels, range, readDigits, split } from "./digits.ts";
import { sparseLogisticData } from "./sparse_logistic.ts";

const all = readDigits();

Deno.test("readDigits() has 10,000 images of all ten classes in 0 … 1", () => {
  assert.equal(all.count, 10_000);
  assert.equal(all.x.length, 10_000 * pixels);
  assert.deepEqual([...new Set(all.y)].sort(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  let [low, high] = [Infinity, -Infinity];
  for (const value of all.x) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  assert.deepEqual([low, high], [0, 1]);
});

Deno.test("split() is always the same and has every digit on one side only", () => {
  // An image that knows its number: its first pixel.
  const numbered = {
    count: 10_000,
    features: 1,
    x: Float32Array.from({ length: 10_000 }, (_, i) => i),
    y: all.y,
  };
  const { train, test } = split(numbered, 8000);
  assert.deepEqual([train.count, test.count], [8000, 2000]);
  assert.equal(new Set([...train.x, ...test.x]).size, 10_000);
  assert.deepEqual(split(numbered, 8000).test.x, test.x);
  for (let i = 0; i < test.count; i++) assert.equal(test.y[i], all.y[test.x[i]!]);
  // Every class is in both.
  assert.equal(new Set(test.y).size, 10);
});

Deno.test("pick() keeps images and labels together", () => {
  const picked = pick(all, [5000, 3]);
  assert.deepEqual(picked.x.slice(pixels), all.x.slice(3 * pixels, 4 * pixels));
  assert.deepEqual([...picked.y], [all.y[5000], all.y[3]]);
  assert.deepEqual([...range(2, 5)], [2, 3, 4]);
});

Deno.test("sparseLogisticData() decides labels by ten features, flipped one time in ten", () => {
  const { train, test } = sparseLogisticData(1);
  assert.deepEqual([train.count, train.features, test.count], [400, 1000, 1000]);
  // Correlation of each feature with the label: ten stand out from the noise 1/√1000.
  const strong = Array.from({ length: 1000 }, (_, k) => {
    let sum = 0;
    for (let i = 0; i < 1000; i++) sum += test.x[i * 1000 + k]! * (2 * test.y[i]! - 1);
    return Math.abs(sum / 1000);
  }).filter((c) => c > 0.13);
  // Expected: .8 · √(2/π)/√10 = .20 ± .03 for the ten, 0 ± .03 for the others.
  assert.equal(strong.length, 10);
});
