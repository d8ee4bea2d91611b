import assert from "node:assert/strict";
import { assertClose, steps } from "./_testing.ts";
import { type InverseRmsOptions, referenceInverseRms } from "./inverse_rms.ts";

const factor = (x: number[], options?: InverseRmsOptions) =>
  referenceInverseRms(options)(steps(x.map((x) => [x])))[0];

// β = .5, squares 4 and 16: (2 + 16)/1.5 = 12; without debiasing .25·4 + .5·16 = 9
Deno.test("referenceInverseRms() is one over the root of the averaged squares", () => {
  assertClose(factor([2, -4], { decay: .5, epsilon: 0 }), 1 / Math.sqrt(12));
  assertClose(factor([2, -4], { decay: .5, epsilon: 0, debias: false }), 1 / 3);
});

Deno.test("referenceInverseRms() places ε outside or inside the root", () => {
  assertClose(factor([3], { epsilon: 1 }), 1 / 4);
  assertClose(factor([3], { epsilon: 7, placement: "inside" }), 1 / 4);
});

// The bias correction of a long average must not explode: a constant gradient has factor 1/|g| for ever.
Deno.test("referenceInverseRms() of a constant gradient is 1/|g| at every step", () => {
  for (const t of [1, 2, 60, 300]) {
    assertClose(factor(new Array(t).fill(-.01), { epsilon: 0 }), 100, 1e-11);
  }
});

Deno.test("referenceInverseRms() gives 0, not Infinity, where there never was a gradient", () => {
  assert.equal(factor([0, 0], { epsilon: 0 }), 0);
  assert.throws(() => referenceInverseRms({ decay: 1 }), RangeError);
});
