import * as tf from "@tensorflow/tfjs-core";
import fc from "fast-check";
import assert from "node:assert/strict";
import { assertClose, plain, runOnWasm } from "../_testing.ts";

/** Sums in float64 over the given axes. */
function sumOver(shape: number[], values: ArrayLike<number>, axes: number[]): Float64Array {
  const kept = shape.map((n, i) => axes.includes(i) ? 1 : n);
  const out = new Float64Array(kept.reduce((a, b) => a * b, 1));
  const strides = tf.util.computeStrides(shape).concat(1),
    to = tf.util.computeStrides(kept).concat(1);
  for (let i = 0; i < values.length; i++) {
    let at = 0;
    shape.forEach((n, axis) => {
      if (!axes.includes(axis)) at += (Math.floor(i / strides[axis]!) % n) * to[axis]!;
    });
    out[at]! += values[i]!;
  }
  return out;
}

Deno.test("sum and mean over any axes", async () => {
  const shapes = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 4 });
  const cases = shapes.chain((shape) =>
    fc.record({
      shape: fc.constant(shape),
      axes: fc.subarray(shape.map((_, i) => i)),
      keepDims: fc.boolean(),
    })
  );
  await fc.assert(
    fc.asyncProperty(cases, async ({ shape, axes, keepDims }) => {
      const x = plain(shape, 7), sums = sumOver(shape, x.values, axes);
      const terms = axes.reduce((n, axis) => n * shape[axis]!, 1);
      const expected = shape.flatMap((n, i) => axes.includes(i) ? keepDims ? [1] : [] : [n]);
      const attrs = { axis: axes, keepDims };
      assertClose(await runOnWasm(tf.Sum, { x }, attrs), expected, sums, 1e-6);
      const mean = await runOnWasm(tf.Mean, { x }, attrs);
      if (terms > 0) assertClose(mean, expected, sums.map((s) => s / terms), 1e-6);
      else assert.ok(mean.values.every(Number.isNaN), "a mean of nothing is NaN");
    }),
    { numRuns: 200, seed: 16 },
  );
});

Deno.test("a million tenths are a hundred thousand, along every axis", async () => {
  // float32 has .1 as 0.100000001490116…: their sum is 100000.00149, rounded 100000.
  const values = new Float32Array(1e6).fill(0.1);
  const sum = (shape: number[], axis: number[]) =>
    runOnWasm(tf.Sum, { x: { shape, values } }, { axis, keepDims: false });
  assert.deepEqual([...(await sum([1e6], [0])).values], [1e5]);
  assert.deepEqual([...(await sum([1e6, 1], [0])).values], [1e5]);
  assert.deepEqual([...(await sum([1000, 10, 100], [0, 2])).values], new Array(10).fill(1e4));
  assert.deepEqual([...(await sum([2e5, 5], [0])).values], new Array(5).fill(2e4));
  const mean = await runOnWasm(tf.Mean, { x: { shape: [1e6], values } }, { axis: [0] });
  assert.deepEqual([...mean.values], [Math.fround(0.1)]);
});

Deno.test("sums of whole numbers stay with the backend's own kernel", async () => {
  await tf.setBackend("wasm");
  const x = tf.tensor1d([1, 2, 3], "int32"), flags = tf.tensor1d([true, false, true], "bool");
  const sums = [tf.sum(x), tf.sum(flags)];
  assert.deepEqual(sums.map((s) => [s.dtype, s.dataSync()[0]]), [["int32", 6], ["int32", 2]]);
  tf.dispose([x, flags, sums]);
});

Deno.test("unsortedSegmentSum adds rows, and leaves out ids that are no segment", async () => {
  const cases = fc.record({
    ids: fc.oneof(
      fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 1, maxLength: 1 }),
      fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 2, maxLength: 2 }),
    ),
    rest: fc.array(fc.integer({ min: 1, max: 7 }), { maxLength: 2 }),
    segments: fc.integer({ min: 1, max: 5 }),
  });
  await fc.assert(
    fc.asyncProperty(cases, async ({ ids: shape, rest, segments }) => {
      const x = plain([...shape, ...rest], 9);
      const rows = tf.util.sizeFromShape(shape), size = tf.util.sizeFromShape(rest);
      const batch = tf.util.sizeFromShape(shape.slice(1));
      const ids = Float32Array.from({ length: rows }, (_, i) => (5 * i) % (segments + 2) - 1);
      const expected = new Float64Array(segments * batch * size);
      for (let i = 0; i < rows * size; i++) {
        const row = Math.floor(i / size), id = ids[row]!;
        if (id < 0 || id >= segments) continue;
        expected[(id * batch + row % batch) * size + i % size]! += x.values[i]!;
      }
      const segmentIds = { shape, values: ids, dtype: "int32" as const };
      const out = await runOnWasm(tf.UnsortedSegmentSum, { x, segmentIds }, {
        numSegments: segments,
      });
      assertClose(out, [segments, ...shape.slice(1), ...rest], expected);
    }),
    { numRuns: 150, seed: 16 },
  );
});

Deno.test("a million rows of one segment lose nothing", async () => {
  // 300,000 rows of (.1, .1, .1) in one segment, 200,000 in another, in turns of 3 and 2.
  const values = new Float32Array(15e5).fill(0.1);
  const ids = Float32Array.from({ length: 5e5 }, (_, i) => i % 5 < 3 ? 0 : 1);
  const out = await runOnWasm(tf.UnsortedSegmentSum, {
    x: { shape: [5e5, 3], values },
    segmentIds: { shape: [5e5], values: ids, dtype: "int32" },
  }, { numSegments: 2 });
  assert.deepEqual([...out.values], [3e4, 3e4, 3e4, 2e4, 2e4, 2e4]);
});

Deno.test("unsortedSegmentSum refuses ids that do not lie along the first axes", async () => {
  const segmentIds = { shape: [3], values: new Float32Array(3), dtype: "int32" as const };
  await assert.rejects(
    runOnWasm(tf.UnsortedSegmentSum, { x: plain([2, 3], 1), segmentIds }, { numSegments: 2 }),
    {
      name: "TypeError",
      message: "Cannot run UnsortedSegmentSum on wasm: segmentIds is expected to be int32 with " +
        "the first axes of x, [2,3], current value is int32 [3]",
    },
  );
});
