/** One negative test for each mistake that public implementations of these methods have made. */
import assert from "node:assert/strict";
import { assertAllClose } from "@precond/testing";
import {
  adam,
  chain,
  clipByGlobalNorm,
  createOptimizer,
  decoupledWeightDecay,
  type Definition,
  inverseCurvature,
  momentum,
  mSvag,
  scaleBy,
  signalFraction,
  userCurvature,
} from "./mod.ts";
import { inverseRms } from "./pieces.ts";

interface Step {
  readonly gradient: number;
  readonly gradientSquares?: number;
  readonly batchSize?: number;
}

/** What each step subtracts from a weight that is put back to `weight` before every step. */
function updates(definition: Definition, steps: readonly (number | Step)[], weight = 0): number[] {
  const optimizer = createOptimizer(definition);
  return steps.map((given) => {
    const step = typeof given === "number" ? { gradient: given } : given;
    const weights = Float32Array.of(weight);
    const squares = step.gradientSquares;
    optimizer.step({
      w: {
        weights,
        gradient: Float32Array.of(step.gradient),
        ...(squares === undefined ? {} : { gradientSquares: Float32Array.of(squares) }),
      },
    }, { batchSize: step.batchSize, microBatches: 2 });
    return weight - weights[0]!;
  });
}

/** Σ β^(n−i) x_i, not normalised. */
const decayed = (beta: number, x: readonly number[]) => x.reduce((sum, x) => beta * sum + x, 0);
const average = (beta: number, x: readonly number[]) =>
  decayed(beta, x) / decayed(beta, x.map(() => 1));
const close = (actual: number, expected: number) => assertAllClose([actual], [expected]);
/** The right value is not just luck: the mistake gives something else by more than 2 %. */
const differs = (mistaken: number, right: number) =>
  assert.ok(!(Math.abs(mistaken - right) <= 0.02 * Math.abs(right)), `${mistaken} ~ ${right}`);
const constant = (n: number) => new Array<number>(n).fill(1);

/** T of the newest of some samples by the definition, every weight equal if there are none. */
function fraction(beta: number, x: readonly number[], weights: readonly number[] = x.map(() => 1)) {
  const raw = x.map((_, i) => weights[i]! * beta ** (x.length - 1 - i));
  const total = raw.reduce((a, b) => a + b);
  const w = raw.map((r) => r / total);
  const mean = x.reduce((sum, x, i) => sum + w[i]! * x, 0);
  const D = x.reduce((sum, x, i) => sum + w[i]! * (x - mean) ** 2, 0);
  const rho = w.reduce((sum, w) => sum + w * w, 0);
  const s = rho < 1 ? D / (1 - rho) : 0;
  return { mean, D, rho, s, T: (mean ** 2 - rho * s) / (mean ** 2 + D) };
}

Deno.test("the average is debiased by 1 − βᵗ, not βᵗ: 1 at t = 60, not 555", () => {
  const right = updates(chain(momentum({ decay: 0.9 })), constant(60)).at(-1)!;
  close(right, 1);
  const mistaken = 0.1 * decayed(0.9, constant(60)) / 0.9 ** 60;
  assert.equal(Math.round(mistaken), 555);
});

Deno.test("M-SVAG steps .948 at t = 60, not 538, with both mistakes of one public library", () => {
  const x = constant(60).map((one, i) => i % 2 ? one - 0.6 : one + 0.6);
  const { mean, rho, s } = fraction(0.9, x);
  const right = updates(mSvag({ learningRate: 1 }), x).at(-1)!;
  close(right, mean ** 3 / (mean ** 2 + rho * s));
  assert.equal(right.toFixed(3), "0.948");

  const power = 0.9 ** 60;
  const m = 0.1 * decayed(0.9, x) / power;
  const v = 0.1 * decayed(0.9, x.map((x) => x * x)) / power;
  const mistakenRho = (1 - 0.9) * (1 - power ** 2) / (1 - power) ** 2;
  const noise = Math.max(v - m * m, 0) / (1 - mistakenRho);
  const mistaken = m ** 3 / (m ** 2 + mistakenRho * noise);
  assert.equal(Math.round(mistaken), 538);
});

Deno.test("ρ has (1 − β²) in its denominator, not (1 − β): γ of 1, 2, 3, 4", () => {
  const update = updates(mSvag({ learningRate: 1 }), [1, 2, 3, 4]).at(-1)!;
  const { mean, D } = fraction(0.9, [1, 2, 3, 4]);
  const gamma = (denominator: number) => {
    const rho = (1 - 0.9) ** 2 * (1 - 0.9 ** 8) / (denominator * (1 - 0.9 ** 4) ** 2);
    return mean ** 2 / (mean ** 2 + rho * D / (1 - rho));
  };
  close(update / mean, 0.9427561204);
  close(update / mean, gamma(1 - 0.9 ** 2));
  differs(gamma(1 - 0.9), 0.9427561204);
});

Deno.test("v is debiased with the β that it was accumulated with", () => {
  const right = updates(adam({ learningRate: 1, epsilon: 0 }), constant(10)).at(-1)!;
  close(right, 1); // a constant gradient: m = v = 1
  const v = 0.001 * decayed(0.999, constant(10)) / (1 - 0.9 ** 10);
  differs(1 / Math.sqrt(v), 1); // 8.1
});

Deno.test("ρ = 1 at t = 1 neither divides by 0 nor freezes the step", () => {
  for (const correction of ["unbiased", "variance", "none"] as const) {
    for (const moment of ["sample", "mean"] as const) {
      const T = scaleBy(signalFraction({ correction, of: moment }));
      assert.deepEqual(updates(chain(T), [3]), [3], `${correction}, ${moment}`);
    }
  }
  const { mean, D } = fraction(0.9, [3]);
  const mistaken = (mean ** 2 - D / (1 - 1)) / (mean ** 2 + D);
  assert.ok(Number.isNaN(mistaken));
  const frozen = Number.isNaN(mistaken) ? 0 : mistaken;
  differs(3 * frozen, 3);
});

Deno.test("T is a ratio of averages, not an average of ratios", () => {
  // Micro-batches {1, 3} and {0, 2}: k x² − q = 3 and 0, x² = 4 and 1.
  const T = scaleBy(signalFraction({ from: "gradientSquares", decay: 0.9 }));
  const steps = [{ gradient: 2, gradientSquares: 5 }, { gradient: 1, gradientSquares: 2 }];
  const right = updates(chain(T), steps);
  assertAllClose(right, [2 * 3 / 4, average(0.9, [3, 0]) / average(0.9, [4, 1])]);
  differs(average(0.9, [3 / 4, 0 / 1]), right[1]!); // .36 instead of .59
});

Deno.test("weight decay does not reach the statistics", () => {
  const decay = 0.1, weight = 30;
  const T = scaleBy(signalFraction({ decay: 0.9 }));
  const [, right] = updates(chain(T, decoupledWeightDecay(decay)), [1, 2], weight);
  assertAllClose([right!], [0.806122449 * 2 + decay * weight], { relative: 2e-6 });
  const coupled = [1 + decay * weight, 2 + decay * weight];
  differs(fraction(0.9, coupled).T * coupled[1]!, right!);
});

Deno.test("clipping comes after the statistics", () => {
  const [, right] = updates(
    chain(scaleBy(signalFraction({ decay: 0.9 })), clipByGlobalNorm(1.5)),
    [1, 2],
  );
  close(right!, Math.min(1.5, 0.806122449 * 2));
  differs(fraction(0.9, [1, 1.5]).T * 1.5, right!); // 1.38: T of what was clipped
});

Deno.test("batches weigh by their size: the short last one does not count in full", () => {
  const steps = [{ gradient: 1, batchSize: 4 }, { gradient: 2, batchSize: 1 }];
  const optimizer = createOptimizer(chain(scaleBy(signalFraction({ decay: 0.9 }))));
  for (const { gradient, batchSize } of steps) {
    const weights = new Float32Array(1);
    optimizer.step({ w: { weights, gradient: Float32Array.of(gradient) } }, { batchSize });
  }
  const m = optimizer.slot("w", "signalFraction.m")[0]!;
  close(m, fraction(0.9, [1, 2], [4, 1]).mean); // 5.6/4.6
  differs(average(0.9, [1, 2]), m);
});

Deno.test("Hutchinson's sample is z ∘ Hz and sees the Hessian; g z² is only the gradient", () => {
  const H = [2, 8], theta = [3, 0.5], z = [1, -1];
  const gradient = theta.map((x, i) => H[i]! * x);
  const end = (curvature: number[]) => {
    const newton = chain(scaleBy(inverseCurvature(userCurvature(), { damping: 0 })));
    const weights = Float32Array.from(theta);
    createOptimizer(newton).step({
      w: {
        weights,
        gradient: Float32Array.from(gradient),
        curvature: Float32Array.from(curvature),
      },
    });
    return [...weights];
  };
  assert.deepEqual(end(z.map((z, i) => z * H[i]! * z)), [0, 0]);
  assert.deepEqual(end(z.map((z, i) => gradient[i]! * z * z)), [2, -0.5]); // signs of g, no more
});

Deno.test("ε is added to what is read, never to what is kept", () => {
  const g = 1e-3, epsilon = 1e-4;
  const rms = inverseRms({ decay: 0.999, epsilon, placement: "inside" });
  const right = updates(chain(scaleBy(rms)), new Array(100).fill(g)).at(-1)!;
  close(right, g / Math.sqrt(g * g + epsilon));
  // v ← βv + (1−β)g² + ε: after 100 steps about 95 ε, and the step 30 times too small.
  const v = constant(100).reduce((v) => 0.999 * v + 0.001 * g * g + epsilon, 0);
  differs(g / Math.sqrt(v / (1 - 0.999 ** 100)), right);
});
