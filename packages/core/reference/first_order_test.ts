import assert from "node:assert/strict";
import { assertClose, normal, uniform } from "./_testing.ts";
import { firstOrderOptimum } from "./first_order.ts";

const gain = (T: ArrayLike<number>, g: number[]) => g.reduce((sum, g, i) => sum + T[i]! * g * g, 0);
const size = (T: ArrayLike<number>, M: number[]) =>
  Math.sqrt(M.reduce((sum, M, i) => sum + T[i]! ** 2 * M, 0));

Deno.test("firstOrderOptimum() keeps the constraint, reaches its value, and beats the sphere", () => {
  const [next, level] = [normal(5), uniform(6)];
  for (let k = 0; k < 50; k++) {
    const g = Array.from({ length: 4 }, next);
    const M = g.map((g) => g * g + 10 ** (4 * level() - 2));
    const { factor, value } = firstOrderOptimum(g, M);
    assertClose(size(factor, M), 1);
    assertClose(gain(factor, g), value);
    for (let j = 0; j < 200; j++) {
      const direction = g.map(next);
      const length = size(direction, M);
      assert.ok(gain(direction.map((d) => d / length), g) <= value + 1e-12);
      const near = Array.from(factor, (T) => T + .01 * next());
      assert.ok(gain(near, g) / size(near, M) <= value + 1e-12);
    }
  }
});

// g = (1, 2), M = (2, 8): T ∝ (1/2, 1/2), √(1/2 + 16/8) = √2.5
Deno.test("firstOrderOptimum() by hand", () => {
  const { factor, value } = firstOrderOptimum([1, 2], [2, 8]);
  assertClose(value, Math.sqrt(2.5));
  assertClose(factor, [.5 / Math.sqrt(2.5), .5 / Math.sqrt(2.5)]);
});

Deno.test("firstOrderOptimum() is 0, not NaN, without a gradient", () => {
  const { factor, value } = firstOrderOptimum([0, 0], [0, 1]);
  assert.deepEqual([...factor, value], [0, 0, 0]);
  assert.throws(() => firstOrderOptimum([1], [1, 2]), TypeError);
});
