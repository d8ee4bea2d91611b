import { createOptimizer, type Definition } from "@precond/core";
import { assertAllClose } from "@precond/testing";
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { optimizerOf } from "./optimizer_of.ts";

const adamW = {
  type: "adamw",
  alpha: 0.9,
  beta: 0.999,
  epsilon: 1e-8,
  weightDecay: 0,
  correctBias: true,
  adamMode: 0,
} as const;

/** Weights after each step from 1, for the gradients 0.5, −2 at w = 1. */
function run(definition: Definition): number[] {
  const optimizer = createOptimizer(definition);
  const weights = Float32Array.of(1);
  return [0.5, -2].map((g) => {
    optimizer.step({ w: { weights, gradient: Float32Array.of(g) } });
    return weights[0]!;
  });
}

Deno.test("Mode 0 decays before the step and corrects both moments", () => {
  const [λ, η, ε] = [0.1, 0.01, 0.1];
  // m/c1 = g, v/c2 = g² after the first step; then m = .95·… by hand
  const first = 1 - λ * η * 1 - η * 0.5 / (0.5 + ε);
  const m = (0.9 * 0.1 * 0.5 + 0.1 * -2) / (1 - 0.81);
  const v = (0.999 * 0.001 * 0.25 + 0.001 * 4) / (1 - 0.999 ** 2);
  const second = first - λ * η * first - η * m / (Math.sqrt(v) + ε);
  const chain = optimizerOf({ ...adamW, epsilon: ε, weightDecay: λ }, η);
  assertAllClose(run(chain), [first, second]);
});

Deno.test("Mode 1 has ε beside the uncorrected moment and decays after the step", () => {
  const [λ, η, ε] = [0.1, 0.01, 0.1];
  const step = (w: number, m: number, v: number, t: number) => {
    const size = η * Math.sqrt(1 - 0.999 ** t) / (1 - 0.9 ** t);
    const moved = w - size * m / (Math.sqrt(v) + ε);
    return moved - λ * η * moved;
  };
  const first = step(1, 0.1 * 0.5, 0.001 * 0.25, 1);
  const second = step(first, 0.9 * 0.1 * 0.5 + 0.1 * -2, 0.999 * 0.001 * 0.25 + 0.001 * 4, 2);
  const chain = optimizerOf({ ...adamW, epsilon: ε, weightDecay: λ, adamMode: 1 }, η);
  assertAllClose(run(chain), [first, second]);
});

Deno.test("Without correction of the bias the moments start at 0", () => {
  const η = 0.01;
  const expected = 1 - η * 0.1 * 0.5 / (Math.sqrt(0.001 * 0.25) + 1e-8);
  for (const adamMode of [0, 1] as const) {
    const [first] = run(optimizerOf({ ...adamW, correctBias: false, adamMode }, η));
    assertAllClose([first!], [expected]);
  }
});

Deno.test("Gradient descent clips by the global norm", () => {
  // |g| = 0.5 stays, −2 becomes −1
  const [first, second] = run(optimizerOf({ type: "sgd", clipNorm: 1 }, 0.1));
  assertAllClose([first!, second!], [0.95, 1.05]);
});

const folder = new URL("../../../../shared/fixtures/adamw/", import.meta.url);
type Trajectories = Record<"Parameters" | "Gradients", Record<string, number[][]>>;

if (existsSync(folder)) {
  // Written by PyTorch (mode 0: ε 1e-8, λ 0.01) and Hugging Face (mode 1: ε 1e-6, λ 0).
  Deno.test("Trajectories of PyTorch's and Hugging Face's AdamW are reproduced", async (t) => {
    for (const weights of ["single_weight", "multiple_weights"]) {
      for (const adamMode of [0, 1] as const) {
        await t.step(`${weights}, mode ${adamMode}`, () => {
          const file = new URL(`adamw_test_${weights}_mode_${adamMode}.json`, folder);
          const { Parameters, Gradients } = JSON.parse(readFileSync(file, "utf8")) as Trajectories;
          const [epsilon, weightDecay] = adamMode === 0 ? [1e-8, 0.01] : [1e-6, 0];
          const optimizer = createOptimizer(
            optimizerOf({ ...adamW, epsilon, weightDecay, adamMode }, 1e-3),
          );
          const current = Object.fromEntries(
            Object.entries(Parameters).map(([name, list]) => [name, Float32Array.from(list[0]!)]),
          );
          const steps = Object.values(Gradients)[0]!.length;
          let compared = 0;
          for (let step = 0; step < steps; step++) {
            optimizer.step(Object.fromEntries(
              Object.entries(current).map(([name, weights]) => [
                name,
                { weights, gradient: Float32Array.from(Gradients[name]![step]!) },
              ]),
            ));
            for (const [name, weights] of Object.entries(current)) {
              const expected = Parameters[name]![step + 1];
              if (expected === undefined) continue;
              compared++;
              assertAllClose(weights, expected, { relative: 2e-6, absolute: 2e-6 }, `step ${step}`);
            }
          }
          assert.ok(compared >= 5);
        });
      }
    }
  });
}
