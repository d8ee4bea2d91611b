/** Where steps shrink by themselves: 1-D noisy quadratics, h = 1, noise variance κ = 1. */
import assert from "node:assert/strict";
import { random } from "@precond/testing";
import {
  chain,
  createOptimizer,
  type Definition,
  momentum,
  mSvag,
  scaleBy,
  signalFraction,
  type SignalFractionOptions,
} from "../mod.ts";

/**
 * t · mean θ² (units of κ) at the given times over 8,000 independent coordinates that start at
 * θ ~ N(0, 1). An optimal rate 1/t gives 1; a process that stalls grows in proportion to t.
 * Standard error: risk is the mean of 8,000 squares of near-normal values, √(2/8000) = 1.6 %.
 */
function risks(definition: Definition, times: readonly number[], n = 8000): number[] {
  const { normal } = random(1);
  const theta = Float32Array.from({ length: n }, normal);
  const gradient = new Float32Array(n);
  const optimizer = createOptimizer(definition);
  const measured: number[] = [];
  for (let t = 1; t <= times.at(-1)!; t++) {
    for (let i = 0; i < n; i++) gradient[i] = theta[i]! + normal();
    optimizer.step({ theta: { weights: theta, gradient } });
    if (times.includes(t)) measured.push(t * theta.reduce((sum, x) => sum + x * x, 0) / n);
  }
  return measured;
}

const T = (options: SignalFractionOptions) => scaleBy(signalFraction(options));

// Constants of Schaul, Zhang & LeCun's adaptive memory. Measured here at t = 200 and 400 (seed 1):
// 2.36 and 2.42, 2.60 and 2.57, 1.90 and 1.92. Tolerance 8 %: five standard errors.
for (
  const [name, constant, options] of [
    ["the plug-in T of vSGD", 2.4, { correction: "none", floor: 0 }],
    ["the unbiased T", 2.6, { floor: 0 }],
    ["the unbiased T with floor ρ/2", 1.9, {}],
  ] as [string, number, SignalFractionOptions][]
) {
  Deno.test(`adaptive memory anneals: ${name} has risk ${constant} κ/t`, () => {
    for (const measured of risks(chain(T({ ...options, memory: "adaptive" })), [200, 400])) {
      assert.ok(Math.abs(measured / constant - 1) < 0.08, `t · risk/κ is ${measured}`);
    }
  });
}

Deno.test("fixed memory of β = .9 stalls: t · risk doubles with t", () => {
  for (const floor of [0, 0.5]) {
    const [at200, at400] = risks(chain(T({ decay: 0.9, floor })), [200, 400]) as [number, number];
    assert.ok(Math.abs(at400 / at200 - 2) < 0.2, `${at200} → ${at400}`);
    assert.ok(at400 > 20, `t · risk/κ is ${at400}`); // eight times what adaptive memory leaves
  }
});

Deno.test("T inside the momentum reaches the optimum", () => {
  // β = .5: 2.0 at t = 400 and 800; β = .9 overshoots at first and is at 3.4 at t = 800.
  const inside = (decay: number) => chain(T({ memory: "adaptive" }), momentum({ decay }));
  for (const measured of risks(inside(0.5), [400, 800], 4000)) {
    assert.ok(measured > 1 && measured < 2.4, `t · risk/κ is ${measured}`);
  }
  const [at200, at800] = risks(inside(0.9), [200, 800], 4000) as [number, number];
  assert.ok(at800 < 5 && at800 < at200 / 4, `${at200} → ${at800}`);
});

Deno.test("T of the momentum's average does not, nor does M-SVAG: t · risk grows with t", () => {
  const adaptive = { memory: "adaptive" } as const;
  for (
    const definition of [
      // The averages of successive steps share noise, which then looks like signal.
      chain(momentum({ decay: 0.9 }), T(adaptive)),
      chain(scaleBy(signalFraction({ ...adaptive, of: "mean" }), { to: momentum({ decay: 0.9 }) })),
      mSvag({ learningRate: 1 }),
    ]
  ) {
    const [at200, at800] = risks(definition, [200, 800], 2000) as [number, number];
    assert.ok(at800 / at200 > 3.2 && at800 > 60, `${at200} → ${at800}`);
  }
});
