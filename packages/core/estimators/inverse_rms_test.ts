import assert from "node:assert/strict";
import { assertAllClose, random } from "@precond/testing";
import { adam, chain, createOptimizer, type Definition, scaleBy, signalFraction } from "../mod.ts";
import { inverseRms } from "../pieces.ts";

function last(definition: Definition, gradients: readonly (readonly number[])[]) {
  const optimizer = createOptimizer(definition);
  let weights = new Float32Array(0);
  for (const gradient of gradients) {
    weights = new Float32Array(gradient.length);
    optimizer.step({ w: { weights, gradient: Float32Array.from(gradient) } });
  }
  return { update: weights.map((w) => -w), optimizer };
}

const { normal } = random(6);
const gradients = Array.from(
  { length: 25 },
  () => Array.from({ length: 30 }, (_, i) => i / 15 + normal()),
);

Deno.test("Adam with β1 = β2 and ε = 0 is sign(m)·√T, T without correction: the note's point", () => {
  for (const beta of [0.5, 0.9, 0.99]) {
    const adams = last(adam({ learningRate: 1, beta1: beta, beta2: beta, epsilon: 0 }), gradients);
    const half = signalFraction({ decay: beta, correction: "none", exponent: 0.5, floor: 0 });
    const { update, optimizer } = last(chain(scaleBy(half)), gradients);
    const m = optimizer.slot("w", "signalFraction.m");
    const signed = update.map((u, i) => Math.sign(m[i]!) * u / gradients.at(-1)![i]!);
    // √(m²/(m² + D)) beside m/√v: where m is near 0 its own rounding shows.
    assertAllClose(adams.update, signed, { relative: 1e-5, absolute: 1e-6 });
  }
});

Deno.test("Adam with β1 = β2 never moves further than its learning rate", () => {
  const { update } = last(adam({ learningRate: 1, beta1: 0.9, beta2: 0.9, epsilon: 0 }), gradients);
  assert.ok(update.every((u) => Math.abs(u) <= 1 + 1e-6)); // √T, and T ≤ 1
});

Deno.test("inverseRms() by hand: 1, 2 at β = .9, ε outside, inside, and no debiasing", () => {
  const of = (options: Parameters<typeof inverseRms>[0]) =>
    last(chain(scaleBy(inverseRms({ decay: 0.9, epsilon: 0.5, ...options }))), [[1], [2]]).update;
  const v = (0.9 * 1 + 4) / 1.9;
  assertAllClose(of({}), [2 / (Math.sqrt(v) + 0.5)]);
  assertAllClose(of({ placement: "inside" }), [2 / Math.sqrt(v + 0.5)]);
  // v before its correction: .1 · .9 + .1 · 4 = .49, c = 1 − .81 = .19
  assertAllClose(of({ placement: "uncorrected" }), [2 * Math.sqrt(0.19) / (Math.sqrt(0.49) + 0.5)]);
  assertAllClose(of({ debias: false }), [2 / (Math.sqrt(0.1 * 0.9 + 0.1 * 4) + 0.5)]);
});

Deno.test("inverseRms() without ε leaves what never had a gradient at 0", () => {
  const { update } = last(chain(scaleBy(inverseRms({ epsilon: 0 }))), [[0, 3], [0, 3]]);
  assert.equal(Math.abs(update[0]!), 0);
  assertAllClose(update, [0, 1]);
});
