import assert from "node:assert/strict";
import { assertAllClose, random } from "@precond/testing";
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

/** What each step subtracts from weights that are put back to 0 before every step. */
function updates(
  definition: Definition,
  gradients: readonly (readonly number[])[],
  shape: readonly number[] = [gradients[0]!.length],
) {
  const optimizer = createOptimizer(definition);
  const steps = gradients.map((gradient) => {
    const weights = new Float32Array(gradient.length);
    optimizer.step({ w: { weights, shape, gradient: Float32Array.from(gradient) } });
    return weights.map((w) => -w);
  });
  return { steps, last: steps.at(-1)!, slot: (name: string) => optimizer.slot("w", name) };
}

const fraction = (options: SignalFractionOptions = {}) => chain(scaleBy(signalFraction(options)));
const column = (...gradients: number[]) => gradients.map((g) => [g]);
/** The factor that the last of scalar gradients was multiplied by. */
const lastFactor = (options: SignalFractionOptions, gradients: number[]) =>
  updates(fraction(options), column(...gradients)).last[0]! / gradients.at(-1)!;
const rho2 = 0.5013850416; // (1 + β²)/(1 + β)² at β = .9

Deno.test("signalFraction() matches exact rational arithmetic on the gradients 1, 2, 3, 4", () => {
  const { steps, slot } = updates(fraction({ floor: 0 }), column(1, 2, 3, 4));
  assertAllClose([steps[1]![0]! / 2, steps[3]![0]! / 4], [0.806122449, 0.7967778796]);
  const m = 2.6312881652, v = 8.1619656877;
  assertAllClose(slot("signalFraction.m"), [m]);
  assertAllClose(slot("signalFraction.d"), [v - m * m]);
});

Deno.test("signalFraction() of the mean, multiplying the mean, matches exact arithmetic", () => {
  const T = signalFraction({ of: "mean", floor: 0 });
  const { steps } = updates(chain(scaleBy(T, { to: momentum() })), column(1, 2, 3, 4));
  assertAllClose([steps[1]![0]!, steps[3]![0]!], [
    0.8923900119 * 1.5263157895,
    0.9392802886 * 2.6312881652,
  ]);
});

Deno.test("mSvag() gives the plug-in γ on 1, 2, 3, 4 and on 1, −1", () => {
  const { steps } = updates(mSvag({ learningRate: 1 }), column(1, 2, 3, 4));
  assertAllClose([steps[1]![0]!, steps[3]![0]!], [
    0.9028448739 * 1.5263157895,
    0.9427561204 * 2.6312881652,
  ]);
  const mean = (0.9 - 1) / 1.9;
  const { last } = updates(mSvag({ learningRate: 1 }), column(1, -1));
  assertAllClose([last[0]! / mean], [0.0027548209], { relative: 1e-5 }); // m cancels: 2e-7/.05
});

Deno.test("signalFraction() is 0 for 1, −1 without a floor and ρ/2 by default", () => {
  assert.equal(lastFactor({ floor: 0 }, [1, -1]), 0);
  assert.equal(lastFactor({ floor: 0 }, [1, -1, 1, -1]), 0); // g² = −.336
  assertAllClose([lastFactor({}, [1, -1])], [rho2 / 2]);
  assertAllClose([lastFactor({ floor: 0.25 }, [1, -1])], [rho2 / 4]);
  // T is floored before it is raised.
  assertAllClose([lastFactor({ exponent: 0.5 }, [1, -1])], [Math.sqrt(rho2 / 2)]);
});

Deno.test("signalFraction() of the batch {1, 2, 3, 6} is 47/54", () => {
  const weights = new Float32Array(1);
  createOptimizer(fraction({ from: "gradientSquares" })).step({
    w: {
      weights,
      gradient: Float32Array.of(3),
      gradientSquares: Float32Array.of((1 + 4 + 9 + 36) / 4),
    },
  }, { microBatches: 4 });
  assertAllClose([-weights[0]! / 3], [47 / 54]);
});

Deno.test("signalFraction() learns nothing from a batch of one example: T stays", () => {
  const factorAfter = (sizes: readonly number[]) => {
    const optimizer = createOptimizer(fraction({ from: "gradientSquares" }));
    const weights = new Float32Array(1);
    for (const k of sizes) {
      weights[0] = 0;
      // The batch {1, 2, 3, 6}, or its mean alone.
      const gradientSquares = Float32Array.of(k === 4 ? (1 + 4 + 9 + 36) / 4 : 9);
      optimizer.step({ w: { weights, gradient: Float32Array.of(3), gradientSquares } }, {
        microBatches: k,
      });
    }
    return -weights[0]! / 3;
  };
  assert.equal(factorAfter([1]), 1); // before any evidence
  assertAllClose([factorAfter([4, 1]), factorAfter([1, 4]), factorAfter([1, 4, 1, 1])], [
    47 / 54,
    47 / 54,
    47 / 54,
  ]);
});

Deno.test("signalFraction() is exactly 1 without noise", () => {
  const g = Math.fround(0.1);
  const constant = new Array(30).fill([g, -3e-5, 7e4]);
  for (const memory of ["fixed", "adaptive"] as const) {
    for (const correction of ["unbiased", "variance", "none"] as const) {
      for (const moment of ["sample", "mean"] as const) {
        const { last } = updates(fraction({ memory, correction, of: moment }), constant);
        assert.deepEqual(
          last,
          Float32Array.from(constant[0]),
          `${memory}, ${correction}, ${moment}`,
        );
      }
    }
  }
});

Deno.test("signalFraction() gives 0, not NaN, to elements and tensors without a gradient", () => {
  for (const pool of ["element", "row", "tensor"] as const) {
    for (const correction of ["unbiased", "variance", "none"] as const) {
      for (const scale of ["absolute", "unit-norm"] as const) {
        for (const memory of ["fixed", "adaptive"] as const) {
          for (const lag of [false, true]) {
            const options = { pool, correction, scale, memory, lag };
            for (const rows of [[[1, 0], [-2, 0], [3, 0]], [[0, 0], [0, 0]]]) {
              const { steps } = updates(fraction(options), rows);
              for (const [one, none] of steps) {
                assert.equal(Math.abs(none!), 0, JSON.stringify(options));
                assert.ok(Number.isFinite(one), JSON.stringify(options));
              }
            }
          }
        }
      }
    }
  }
});

Deno.test("signalFraction() recovers from a start without gradients", () => {
  // ŵ of 0, 0, 1 at β = .9 by hand; T = (m² − ρs)/(m² + D).
  const w = [0.81, 0.9, 1].map((x) => x / 2.71);
  const [m, D] = [w[2]!, w[2]! * (1 - w[2]!)];
  const rho = w.reduce((sum, w) => sum + w * w, 0);
  assertAllClose(
    [lastFactor({ floor: 0 }, [0, 0, 1])],
    [Math.max(0, (m * m - rho * D / (1 - rho)) / (m * m + D))],
  );
  assertAllClose([lastFactor({ correction: "none" }, [0, 0, 1])], [m * m / (m * m + D)]);
});

Deno.test("lag multiplies by the T of the step before and starts at 1", () => {
  const { steps } = updates(fraction({ lag: true }), column(1, 2, 3, 4));
  const plain = updates(fraction(), column(1, 2, 3, 4)).steps;
  assertAllClose(steps.map((s) => s[0]!), [
    1,
    2 * 1,
    3 * 0.806122449,
    4 * plain[2]![0]! / 3,
  ]);
  // The floor is that of the step before as well: ρ/2 after 1, −1.
  assertAllClose([lastFactor({ lag: true }, [1, -1, 5])], [rho2 / 2]);
});

Deno.test("unit-norm keeps Σ f²E = ΣE in every tensor", () => {
  const { normal } = random(3);
  const gradients = Array.from(
    { length: 12 },
    () => Array.from({ length: 40 }, (_, i) => i / 40 + normal()),
  );
  for (const moment of ["sample", "mean"] as const) {
    for (const exponent of [0.5, 1, 2.125]) {
      const options = { scale: "unit-norm", exponent, of: moment, floor: 0 } as const;
      const { last, slot } = updates(fraction(options), gradients);
      const [m, d] = [slot("signalFraction.m"), slot("signalFraction.d")];
      const E = Array.from(m, (m, i) => moment === "mean" ? m * m : m * m + d[i]!);
      const kept = E.map((E, i) => (last[i]! / gradients.at(-1)![i]!) ** 2 * E);
      const sum = (x: number[]) => x.reduce((a, b) => a + b);
      assertAllClose([sum(kept)], [sum(E)], { relative: 2e-6 });
      const factors = kept.map((k, i) => k / E[i]!);
      assert.ok(Math.max(...factors) > 1.1 && Math.min(...factors) < 0.9); // not all factors 1
    }
  }
});

Deno.test("a pooled T is the ratio of sums", () => {
  const { normal } = random(4);
  const gradients = Array.from(
    { length: 9 },
    () => Array.from({ length: 6 }, (_, i) => i / 3 + normal()),
  );
  const last = gradients.at(-1)!;
  const { slot } = updates(fraction(), gradients);
  const w = gradients.map((_, i) => 0.1 * 0.9 ** (8 - i) / (1 - 0.9 ** 9));
  const rho = w.reduce((sum, w) => sum + w * w, 0);
  const [m, d] = [slot("signalFraction.m"), slot("signalFraction.d")];
  const ratio = (elements: number[]) => {
    const sum = (f: (i: number) => number) => elements.reduce((total, i) => total + f(i), 0);
    const signal = sum((i) => m[i]! ** 2 - rho * d[i]! / (1 - rho));
    return Math.max(signal / sum((i) => m[i]! ** 2 + d[i]!), rho / 2);
  };
  const [row0, row1, all] = [[0, 1, 2], [3, 4, 5], [0, 1, 2, 3, 4, 5]].map(ratio);
  const factors = (pool: "row" | "tensor") =>
    updates(fraction({ pool }), gradients, [2, 3]).last.map((u, i) => u / last[i]!);
  assertAllClose(factors("row"), [row0!, row0!, row0!, row1!, row1!, row1!], { relative: 2e-6 });
  assertAllClose(factors("tensor"), new Array(6).fill(all), { relative: 2e-6 });
});
