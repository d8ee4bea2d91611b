import assert from "node:assert/strict";
import { random } from "../random.ts";
import type { Examples } from "./digits.ts";
import { scaleOf } from "./standardise.ts";
import { columns, noisyTarget, relevant, standardiser, tabularData, teacherOf } from "./tabular.ts";

const column = ({ x, features }: Examples, k: number) =>
  Array.from(x.filter((_, i) => i % features === k));

Deno.test("tabularData() is standardised by its training rows and them alone", () => {
  const { train, test } = tabularData("regression", 1, true);
  for (let k = 0; k < columns; k++) {
    const { mean, deviation } = scaleOf(column(train, k));
    assert.ok(Math.abs(mean) < 1e-4 && Math.abs(deviation - 1) < 1e-4, `${k}: ${mean}`);
  }
  const { mean, deviation } = scaleOf(train.y);
  assert.ok(Math.abs(mean) < 1e-4 && Math.abs(deviation - 1) < 1e-4);
  const other = scaleOf(column(test, 0));
  assert.ok(Math.abs(other.mean) > 1e-4 && Math.abs(other.mean) < 0.2, `${other.mean}`);
});

Deno.test("standardiser() brings columns of any scale to mean 0 and deviation 1", () => {
  const x = Float32Array.of(1e3, 7, 3e3, 7, 5e3, 7);
  const like = standardiser({ count: 3, features: 2, x, y: Int32Array.of(0, 1, 2) });
  const { x: actual, y } = like({
    count: 1,
    features: 2,
    x: Float32Array.of(7e3, 8),
    y: new Int32Array(1),
  });
  // Mean 3,000, deviation √(8/3)·1,000; the second column has no deviation, and 1 takes its place.
  assert.deepEqual([...actual], [Math.fround(4 / Math.sqrt(8 / 3)), 1]);
  assert.deepEqual(y, new Int32Array(1));
});

Deno.test("a teacher's outputs do not depend on the columns that do not matter", () => {
  const teacher = teacherOf(3);
  const normals = Float64Array.from({ length: columns }, (_, k) => Math.sin(k));
  const before = teacher.outputsOf(normals);
  for (let k = 0; k < columns; k++) {
    const moved = normals.with(k, 2);
    const same = teacher.outputsOf(moved).every((value, i) => value === before[i]);
    assert.equal(same, k >= relevant, `column ${k}`);
  }
});

Deno.test("a tenth of a regression's variance is noise, a tenth of the labels are random", () => {
  const draw = random("tabular test");
  const outputs = Float64Array.of(2, 5, 1);
  const sample = (task: "regression" | "classification") =>
    Array.from({ length: 20_000 }, () => noisyTarget(task, outputs, { deviation: 3, draw }));
  // Noise v beside a signal of variance 9: v/(9 + v) = .1, so that v = 1; errors of 1 % and .7 %.
  const { mean, deviation } = scaleOf(sample("regression"));
  assert.ok(Math.abs(mean - 2) < 0.03 && Math.abs(deviation - 1) < 0.02, `${mean} ${deviation}`);
  // Two in three of those drawn are wrong.
  const wrong = sample("classification").filter((label) => label !== 1).length / 20_000;
  assert.ok(Math.abs(wrong - 0.1 * 2 / 3) < 0.007, `${wrong}`);
});
