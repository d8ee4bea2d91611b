import assert from "node:assert/strict";
import {
  bootstrapFrom,
  intervalName,
  meanInterval,
  median,
  medianInterval,
  moments,
  overlap,
  pool,
  quantile,
  studentT,
} from "./statistics.ts";

const close = (a: number, b: number, tolerance: number) =>
  assert.ok(Math.abs(a - b) <= tolerance, `${a} is not within ${tolerance} of ${b}`);

Deno.test("quantile() interpolates between order statistics", () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 3, 2]), 2.5);
  assert.equal(quantile([10, 20, 30, 40, 50], 0.1), 14);
});

Deno.test("quantile() keeps infinities where they are", () => {
  assert.equal(median([1, 2, Infinity]), 2);
  assert.equal(median([1, Infinity, Infinity]), Infinity);
  assert.equal(quantile([1, 2, Infinity], 1), Infinity);
});

Deno.test("quantile() refuses an empty list", () => {
  assert.throws(() => quantile([], 0.5), RangeError);
});

Deno.test("medianInterval() is the range over few values and says so", () => {
  assert.deepEqual(medianInterval([5, 1, 3]), { middle: 3, low: 1, high: 5 });
  assert.equal(intervalName(3), "smallest to largest");
});

Deno.test("medianInterval() bootstraps many values, reproducibly and inside their range", () => {
  const values = Array.from({ length: 21 }, (_, i) => i);
  const interval = medianInterval(values);
  assert.equal(interval.middle, 10);
  assert.deepEqual(interval, medianInterval(values));
  // The exact interval of order statistics for n = 21 is the 6th to the 16th value: 5 … 15.
  close(interval.low, 5, 1);
  close(interval.high, 15, 1);
  assert.match(intervalName(bootstrapFrom), /bootstrap/);
});

Deno.test("moments() has the unbiased variance", () => {
  // 1, 2, 3, 6: mean 3, squares 4 + 1 + 0 + 9 = 14, 14/3
  const { count, mean, variance } = moments([1, 2, 3, 6]);
  assert.equal(count, 4);
  close(mean, 3, 1e-12);
  close(variance, 14 / 3, 1e-12);
});

Deno.test("pool() of parts has the moments of the whole", () => {
  const whole = moments([1, 2, 3, 6, -4, 8, 0]);
  const pooled = pool([moments([1, 2]), moments([3, 6, -4]), moments([8, 0])]);
  assert.equal(pooled.count, whole.count);
  close(pooled.mean, whole.mean, 1e-12);
  close(pooled.variance, whole.variance, 1e-12);
});

Deno.test("studentT() has the table's quantiles", () => {
  close(studentT(5), 2.5706, 0.026);
  close(studentT(10), 2.2281, 0.003);
  close(studentT(47), 2.0117, 1e-3);
  close(studentT(1e9), 1.95996, 1e-4);
});

Deno.test("meanInterval() is mean ± t·sd/√n", () => {
  const { low, high } = meanInterval({ count: 11, mean: 2, variance: 11 });
  close(high, 2 + 2.2281, 0.003);
  close(low, 2 - 2.2281, 0.003);
});

Deno.test("overlap() includes touching ends", () => {
  const at = (low: number, high: number) => ({ middle: low, low, high });
  assert.ok(overlap(at(1, 2), at(2, 3)));
  assert.ok(!overlap(at(1, 2), at(2.1, 3)));
  assert.ok(overlap(at(1, Infinity), at(5, 5)));
});
