import assert from "node:assert/strict";
import { assertClose } from "./_testing.ts";
import { type OracleMethod, secondMomentsAt, type SeparableQuadratic } from "./noisy_quadratic.ts";
import {
  expectedRisk,
  logSpaced,
  noisyQuadraticModel,
  separableProblems,
  stepsToTarget,
  tunedLearningRate,
} from "./separable_problems.ts";

const methods: OracleMethod[] = ["sgd", "curvature", "snr", "adam", "combined"];
const known = new Map<SeparableQuadratic, number[]>();
/** The tuned steps of every method; kept, as two tests ask. */
function tuned(problem: SeparableQuadratic): number[] {
  const steps = known.get(problem) ??
    methods.map((method) => tunedLearningRate(problem, method, { maxSteps: 8000 }).steps);
  known.set(problem, steps);
  return steps;
}

Deno.test("B and E: the table of the theory, exactly", () => {
  assert.deepEqual(tuned(separableProblems.B), [28, 1, 28, 3, 1]);
  assert.deepEqual(tuned(separableProblems.E), [29, 20, 64, 8, 2]);
});

Deno.test("C: the table of the theory; SNR is 405 where the table says 406", () => {
  assert.deepEqual(tuned(separableProblems.C), [522, 80, 405, 100, 35]);
});

// The table (228, 228, 115, 252, 114) is that of 40 coordinates within 1 %: the noise's mean, which
// decides, depends on how many of the log-spaced values there are. With the stated 50: within 3 %.
Deno.test("A: the table of the theory within 3 %, and within 1 % with 40 coordinates", () => {
  const table = [228, 228, 115, 252, 114];
  const one = new Float64Array(40).fill(1);
  const forty = tuned({ h: one, c: logSpaced(1e-3, 10, 40), s0: one });
  assert.deepEqual(forty, [228, 228, 114, 250, 114]);
  tuned(separableProblems.A).forEach((steps, i) => {
    assert.ok(Math.abs(steps / table[i]! - 1) < .03, `${steps} is not ${table[i]}`);
  });
});

// The table's order of κ is not known (3104, 192, 243, 215, 96); ours is as independent of h. What
// the high-curvature elements draw decides: within 6 %, SGD aside (5217), which the worst one rules.
Deno.test("D: the table of the theory within 6 %, and SGD slower than all by far", () => {
  const [sgd, ...others] = tuned(separableProblems.D);
  [192, 243, 215, 96].forEach((steps, i) => {
    assert.ok(Math.abs(others[i]! / steps - 1) < .06, `${others[i]} is not ${steps}`);
  });
  assert.equal(sgd, 5217);
});

Deno.test("each method wins and loses where theory says", () => {
  const { A, B, C, D, E } = separableProblems;
  const [a, b, c, d, e] = [A, B, C, D, E].map(tuned);
  const [SGD, CURVATURE, SNR, , COMBINED] = [0, 1, 2, 3, 4];
  assert.ok(a![SNR]! < a![CURVATURE]! && b![CURVATURE]! < b![SNR]!);
  assert.ok(e![SGD]! < e![SNR]!); // T starves the flat directions
  for (const row of [a, b, c, d, e]) assert.equal(Math.min(...row!), row![COMBINED]);
});

Deno.test("the noisy quadratic model's risk is 3.74, ½ Σ 1/i", () => {
  const [risk] = expectedRisk(noisyQuadraticModel(4), "sgd", { learningRate: 1, steps: 0 });
  const harmonic = Math.log(1000) + .5772156649 + 1 / 2000;
  assertClose(risk, harmonic / 2, 1e-6);
});

// The table: B = 4: 1256, 535, 425, 28596, 304; B = 64: 192, 35, 28, 1902, 19. The grid of learning
// rates behind it is not known: SNR is reached exactly at 1.9, combined at 1, the others within 3 %.
for (
  const [batch, sgd, curvature, adam, snr, combined] of [
    [4, 1255, 535, 426, 28596, 304],
    [64, 190, 34, 28, 1902, 19],
  ] as const
) {
  Deno.test(`the noisy quadratic model at B = ${batch}: within 3 % of the table`, () => {
    const problem = noisyQuadraticModel(batch);
    const options = { target: .3, maxSteps: 2000 };
    const steps = (["sgd", "curvature", "adam"] as const)
      .map((method) => tunedLearningRate(problem, method, options).steps);
    assert.deepEqual(steps, [sgd, curvature, adam]);
    assert.equal(stepsToTarget(problem, "snr", { target: .3, learningRate: 1.9 }), snr);
    assert.equal(stepsToTarget(problem, "combined", { target: .3, learningRate: 1 }), combined);
  });
}

Deno.test("expectedRisk() is ½ Σ h s of the closed form at every step", () => {
  const problem = separableProblems.C;
  const risks = expectedRisk(problem, "sgd", { learningRate: .5, steps: 30 });
  for (const steps of [0, 1, 7, 30]) {
    const s = secondMomentsAt(problem, "sgd", { steps, learningRate: .5 });
    assertClose(risks[steps], s.reduce((sum, s, i) => sum + problem.h[i]! * s, 0) / 2);
  }
});

Deno.test("stepsToTarget() is Infinity for what diverges, stalls, or takes too long", () => {
  const { A, B, C } = separableProblems;
  assert.equal(stepsToTarget(B, "sgd", { learningRate: 2.1 }), Infinity);
  assert.equal(stepsToTarget(A, "sgd", { learningRate: .5 }), Infinity);
  assert.equal(stepsToTarget(C, "combined", { learningRate: 1, maxSteps: 34 }), Infinity);
  assert.equal(stepsToTarget(C, "combined", { learningRate: 1, maxSteps: 35 }), 35);
  assert.equal(stepsToTarget(C, "combined", { learningRate: 1, target: 1e9 }), 0);
});

Deno.test("tunedLearningRate() takes the fastest of the given grid", () => {
  const grid = [.01, .0168, .1, 1];
  const each = grid.map((learningRate) =>
    stepsToTarget(separableProblems.C, "curvature", { learningRate, maxSteps: 5000 })
  );
  const best = tunedLearningRate(separableProblems.C, "curvature", { grid, maxSteps: 5000 });
  assert.equal(best.steps, Math.min(...each));
  assert.equal(best.learningRate, grid[each.indexOf(best.steps)]);
});
