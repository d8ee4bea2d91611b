import assert from "node:assert/strict";
import { assertClose, normal } from "./_testing.ts";
import { references } from "./aliases.ts";
import { referenceOptimizer } from "./chain.ts";
import type { ReferenceStage } from "./types.ts";

/** The weight after gradients (and curvatures) g, from the weight 1. */
function run(stages: ReferenceStage[], gradients: number[], curvatures: number[] = []): number {
  const optimizer = referenceOptimizer({ w: { shape: [1], weights: [1] } }, stages);
  gradients.forEach((g, t) => {
    const c = curvatures[t];
    optimizer.step({ w: { gradient: [g], ...(c !== undefined && { curvature: [c] }) } });
  });
  return optimizer.weights["w"]![0]!;
}

// Two steps each, g = 1, 2 unless said; every number by the published recursion.
Deno.test("sgd() with and without momentum", () => {
  assertClose(run(references.sgd({ learningRate: .1 }), [1, 2]), 1 - .1 - .2);
  const momentum = { learningRate: .1, momentum: .9 };
  assertClose(run(references.sgd(momentum), [1, 2]), 1 - .1 * 1 - .1 * 2.9);
  const nesterov = references.sgd({ ...momentum, nesterov: true });
  assertClose(run(nesterov, [1, 2]), 1 - .1 * 1.9 - .1 * (2 + .9 * 2.9));
});

function adamByHand(gradients: number[], decay = 0): number {
  let [weight, m, v] = [1, 0, 0];
  gradients.forEach((g, i) => {
    m = .9 * m + .1 * g;
    v = .999 * v + .001 * g * g;
    const direction = m / (1 - .9 ** (i + 1)) / (Math.sqrt(v / (1 - .999 ** (i + 1))) + 1e-8);
    weight -= 1e-3 * (direction + decay * weight);
  });
  return weight;
}

Deno.test("adam() and adamW() are the published recursions", () => {
  const next = normal(8);
  const gradients = Array.from({ length: 60 }, next);
  for (const g of [[1, 2], gradients]) {
    assertClose(run(references.adam(), g), adamByHand(g));
    assertClose(run(references.adamW(), g), adamByHand(g, .01));
  }
  assertClose(run(references.adamW({ match: /bias/ }), [1, 2]), adamByHand([1, 2]));
});

// That Adam is an instance is the note's point: at β1 = β2 it is sign(m)·√(m²/v), a root of plug-in T.
Deno.test("adam() with β1 = β2 is sign(m) times the root of the uncorrected T", () => {
  const gradients = [1, 2, -.5, 3];
  const weights = [.729, .81, .9, 1].map((w) => w / 3.439);
  const m = weights.reduce((sum, w, i) => sum + w * gradients[i]!, 0);
  const v = weights.reduce((sum, w, i) => sum + w * gradients[i]! ** 2, 0);
  const adam = referenceOptimizer(
    { w: { shape: [1], weights: [0] } },
    references.adam({ learningRate: 1, beta1: .9, beta2: .9, epsilon: 0 }),
  );
  for (const g of gradients) adam.step({ w: { gradient: [g] } });
  assertClose(adam.updates["w"], Math.sign(m) * Math.sqrt(m ** 2 / v));
});

const m2 = 1.5263157895 ** 2; // of 1, 2 at β = .9; s = .5, ρ = .5013850416
Deno.test("svag() and mSvag() are γ·g and γ·m", () => {
  assertClose(run(references.svag(), [1, 2]), 1 - .01 - .01 * 2 * m2 / (m2 + .5), 1e-9);
  assertClose(run(references.mSvag(), [1, 2]), 1 - .01 - .01 * .9028448739 * 1.5263157895, 1e-9);
});

// What guards sampled curvature, out of the way: one sample is enough, and no bound.
const unguarded = { curvatureWarmup: 1, stepClip: Infinity } as const;

// Warm-up: plain averages, T = m²/v with m = 3/2, v = 5/2; h = (.99·4 + 6)/1.99, damped by a tenth of
// the tensor's mean, which is h itself.
Deno.test("vSgd() is m²/v · g/h", () => {
  const h = 1.1 * (.99 * 4 + 6) / 1.99;
  const expected = 1 - 1 / 4.4 - 2.25 / 2.5 * 2 / h;
  assertClose(run(references.vSgd(unguarded), [1, 2], [4, 6]), expected);
  // The third sample is the first that moves, by the bound.
  assertClose(run(references.vSgd(), [1, 2, 2], [4, 6, 6]), 1 - .01);
});

Deno.test("sophia() is clip(m / max(γh, ε), 1) with undebiased averages", () => {
  // m₁ = .035, h₁ = .01·4 = .04, γh = 4e-4: clipped. m₂ = .965·.035 + .035·2 = .103775.
  const first = 1 - 1e-3 * (1 + .1);
  assertClose(run(references.sophia(), [1, 2], [4, 6]), first - 1e-3 * (1 + .1 * first));
  const h2 = .99 * .04 + .01 * 6;
  const soft = references.sophia({ gamma: 10, weightDecay: 0, learningRate: 1 });
  assertClose(run(soft, [1, 2], [4, 6]), 1 - .035 / .4 - .103775 / (10 * h2));
});

Deno.test("adaHessian() divides by the root of averaged squared curvatures", () => {
  const h = Math.sqrt((.999 * 16 + 36) / 1.999) + 1e-8;
  const expected = 1 - .1 / (4 + 1e-8) - .1 * (2.9 / 1.9) / h;
  assertClose(run(references.adaHessian(unguarded), [1, 2], [-4, 6]), expected);
});

const T = .8061224490; // of 1, 2 at β = .9
Deno.test("naturalSnr(), signalSgd(), diagonalNewton() by hand", () => {
  const h = 1.1 * (.99 * 4 + 6) / 1.99;
  const natural = 1 - .1 / 4.4 - .1 * T * 2 / h;
  assertClose(run(references.naturalSnr(unguarded), [1, 2], [4, 6]), natural, 1e-10);
  assertClose(run(references.signalSgd({ decay: .9 }), [1, 2]), 1 - .1 - .1 * T * 2, 1e-10);
  const inside = references.signalSgd({ decay: .9, momentum: .9, floor: 0 });
  assertClose(run(inside, [1, 2]), 1 - .1 - .1 * (.9 * 1 + T * 2) / 1.9, 1e-10); // EMA of T·g
  const curvature = 1 - .1 / 4.4 - .1 * 2 / h;
  assertClose(run(references.diagonalNewton(unguarded), [1, 2], [4, 6]), curvature);
  const clipped = references.diagonalNewton({ ...unguarded, stepClip: .01 });
  assertClose(run(clipped, [1, 2], [4, 6]), 1 - .1 * .01 * 2);
});

Deno.test("signalNewton() in both orders by hand", () => {
  const options = { ...unguarded, momentum: 0, damping: 0, curvatureDecay: 0 };
  const H1T = references.signalNewton(options);
  assertClose(run(H1T, [1, 2], [2, 4]), 1 - .1 / 2 - .1 * T * 2 / 4, 1e-10);
  // H⁻¹g = 1/2, 2/4: no noise in it, T = 1
  const TH1 = references.signalNewton({ ...options, first: "curvature" });
  assertClose(run(TH1, [1, 2], [2, 4]), 1 - .1 / 2 - .1 / 2);
  const full = references.signalNewton({ ...options, momentum: .9, weightDecay: .5 });
  const first = 1 - .1 * (.5 + .5);
  const second = first - .1 * ((.9 * .5 + T * .5) / 1.9 + .5 * first);
  assertClose(run(full, [1, 2], [2, 4]), second, 1e-10);
});

Deno.test("every alias on a diagonal quadratic without noise stays finite and goes down", () => {
  for (const [name, make] of Object.entries(references)) {
    const optimizer = referenceOptimizer({ w: { shape: [2], weights: [1, -2] } }, make());
    for (let t = 0; t < 15; t++) {
      const gradient = optimizer.weights["w"]!.map((w, i) => w * [1, 3][i]!);
      optimizer.step({ w: { gradient, curvature: [1, 3] } });
    }
    const [a, b] = optimizer.weights["w"]!;
    assert.ok(a! ** 2 + 3 * b! ** 2 < 1 + 3 * 4, `${name} ends at ${a}, ${b}`);
  }
});

// H⁻¹ with lr 1 and no damping is Newton's method: there in one step, T = 1 at the first.
Deno.test("signalNewton() and diagonalNewton() take the exact Newton step on a diagonal quadratic", () => {
  const options = { ...unguarded, learningRate: 1, momentum: 0, damping: 0 };
  for (
    const stages of [
      references.diagonalNewton(options),
      references.signalNewton(options),
      references.signalNewton({ ...options, first: "curvature" }),
    ]
  ) assert.equal(run(stages, [4 * 1], [4]), 0);
});
