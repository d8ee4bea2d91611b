import assert from "node:assert/strict";
import { assertClose, normal } from "./_testing.ts";
import {
  combinedSignalFractionAt,
  nextSecondMoment,
  type OracleMethod,
  secondMomentsAt,
  snrSecondMomentsLate,
  stationarySecondMoments,
} from "./noisy_quadratic.ts";

const problem = {
  h: Float64Array.of(.1, 1, .5, 2),
  c: Float64Array.of(.02, .3, 0, 4),
  s0: Float64Array.of(1, 2, 3, .5),
};

function recursion(method: OracleMethod, a: number, steps: number): Float64Array {
  return problem.s0.map((s, i) => {
    for (let t = 0; t < steps; t++) {
      s = nextSecondMoment(method, a, { h: problem.h[i]!, c: problem.c[i]!, s });
    }
    return s;
  });
}

for (const [method, a] of [["sgd", .3], ["curvature", .3], ["combined", 1]] as const) {
  Deno.test(`secondMomentsAt() is the recursion iterated, method "${method}"`, () => {
    for (const steps of [0, 1, 2, 10, 100]) {
      const closed = secondMomentsAt(problem, method, { steps, learningRate: a });
      assertClose(closed, recursion(method, a, steps), 1e-11);
    }
  });
}

Deno.test("stationarySecondMoments() is the recursion's fixed point, aκ/(2−a) for curvature", () => {
  for (const method of ["sgd", "curvature"] as const) {
    const s = stationarySecondMoments(problem, method, .3);
    const next = s.map((s, i) =>
      nextSecondMoment(method, .3, { h: problem.h[i]!, c: problem.c[i]!, s })
    );
    assertClose(next, s);
  }
  const kappa = problem.c.map((c, i) => c / problem.h[i]! ** 2);
  assertClose(stationarySecondMoments(problem, "curvature", .3), kappa.map((k) => .3 * k / 1.7));
  assert.throws(() => stationarySecondMoments(problem, "sgd", 1), /current value is 2$/);
});

Deno.test("combinedSignalFractionAt() is s/(s + κ) along the combined method", () => {
  for (const steps of [0, 1, 5, 50]) {
    const s = secondMomentsAt(problem, "combined", { steps });
    const T = s.map((s, i) => s / (s + problem.c[i]! / problem.h[i]! ** 2));
    // Without noise (element 2) T stays 1 as s becomes 0: the limit is the formula's 1/(t + 1).
    for (const i of [0, 1, 3]) assertClose(T[i], combinedSignalFractionAt(problem, steps)[i]!);
  }
});

Deno.test("the combined method's t·s_t tends to κ, the Cramér–Rao rate", () => {
  const s = secondMomentsAt(problem, "combined", { steps: 1e6 });
  const kappa = problem.c.map((c, i) => c / problem.h[i]! ** 2);
  for (const i of [0, 1, 3]) assertClose(1e6 * s[i]! / kappa[i]!, 1, 1e-5);
});

Deno.test("the SNR-only method's s_t tends to κ/(a h (2 − a h) t)", () => {
  const [steps, a] = [1e5, .8];
  const late = snrSecondMomentsLate(problem, { steps, learningRate: a });
  const s = recursion("snr", a, steps);
  // The correction is of the order log(t)/t and κ/(s0 t).
  for (const i of [0, 1, 3]) assertClose(s[i]! / late[i]!, 1, 2e-3);
});

Deno.test("secondMomentsAt() refuses the combined method at another learning rate", () => {
  const options = { steps: 1, learningRate: .5 };
  assert.throws(() => secondMomentsAt(problem, "combined", options), /current value is 0.5$/);
});

// A real stochastic simulation: θ of every run is random, the factor is the oracle's.
for (
  const [method, a] of [["sgd", .3], ["curvature", .3], ["snr", .8], ["adam", .1], [
    "combined",
    1,
  ]] as const
) {
  Deno.test(`Monte-Carlo agrees with the recursion, method "${method}"`, () => {
    const next = normal(11);
    const [h, c, s0] = [.7, .5, 2];
    const [runs, steps] = [30_000, 20];
    const theta = Float64Array.from({ length: runs }, () => Math.sqrt(s0) * next());
    let s = s0;
    for (let t = 0; t < steps; t++) {
      const moment = h * h * s + c;
      const T = h * h * s / moment;
      const factor =
        { sgd: 1, curvature: 1 / h, snr: T, adam: 1 / Math.sqrt(moment), combined: T / h }[method];
      for (let k = 0; k < runs; k++) {
        theta[k]! -= a * factor * (h * theta[k]! + Math.sqrt(c) * next());
      }
      s = nextSecondMoment(method, a, { h, c, s });
    }
    const measured = theta.reduce((sum, x) => sum + x * x, 0) / runs;
    // θ is normal: the standard error of its mean square is s √(2/runs); five of them
    assert.ok(Math.abs(measured / s - 1) < 5 * Math.sqrt(2 / runs), `${measured} is not ${s}`);
  });
}
