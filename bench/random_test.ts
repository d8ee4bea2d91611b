import assert from "node:assert/strict";
import { random } from "./random.ts";
import { moments } from "./statistics.ts";

Deno.test("random() repeats itself for the same name and not for another", () => {
  const take = (...name: (string | number)[]) => {
    const draw = random(...name);
    return Array.from({ length: 5 }, draw.uniform);
  };
  assert.deepEqual(take("a", 1), take("a", 1));
  assert.notDeepEqual(take("a", 1), take("a", 2));
  assert.notDeepEqual(take("a", 1), take("b", 1));
});

Deno.test("random().normal has mean 0, variance 1 and fourth moment 3", () => {
  const draw = random("normal");
  const n = 200_000;
  const values = Float64Array.from({ length: n }, draw.normal);
  const { mean, variance } = moments(values);
  const fourth = values.reduce((sum, x) => sum + x ** 4, 0) / n;
  // Five standard errors: 1/√n, √(2/n), √(96/n).
  assert.ok(Math.abs(mean) < 5 / Math.sqrt(n));
  assert.ok(Math.abs(variance - 1) < 5 * Math.sqrt(2 / n));
  assert.ok(Math.abs(fourth - 3) < 5 * Math.sqrt(96 / n));
});

Deno.test("random().permutation has every position once", () => {
  const order = random("order").permutation(100);
  assert.deepEqual([...order].sort((a, b) => a - b), Array.from({ length: 100 }, (_, i) => i));
  assert.notDeepEqual([...order], Array.from({ length: 100 }, (_, i) => i));
});
