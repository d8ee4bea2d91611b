import assert from "node:assert/strict";
import { fractionsOf, rhoAfter } from "./fractions.ts";

const close = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual - expected) <= 1e-6 * Math.abs(expected), `${actual}, ${expected}`);

// β = .9, gradients 1 and 2 weigh .9/1.9 and 1/1.9: ρ = (.81 + 1)/3.61, m = 2.9/1.9,
// d = .9/3.61 and so σ² = .9/(3.61 − 1.81) = .5.
const rho = 1.81 / 3.61;
const moments = { m: [2.9 / 1.9], d: [0.9 / 3.61] };

Deno.test("rhoAfter() is the sum of the squared weights", () => {
  assert.equal(rhoAfter(1, 0.9), 1);
  close(rhoAfter(2, 0.9), rho);
});

Deno.test("fractionsOf() matches exact arithmetic after two steps", () => {
  close(fractionsOf(moments, rho)[0]!, 0.806122449);
});

Deno.test("fractionsOf() is 1 without noise, 0 without gradient or signal", () => {
  assert.deepEqual([...fractionsOf({ m: [-3, 0, 1], d: [0, 0, 9] }, 0.5)], [1, 0, 0]);
});
