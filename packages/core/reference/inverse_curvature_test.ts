import assert from "node:assert/strict";
import { assertClose, steps } from "./_testing.ts";
import { type InverseCurvatureOptions, referenceInverseCurvature } from "./inverse_curvature.ts";

/** The factor after curvature samples c, undefined where a step brings none. */
function factor(c: (number | undefined)[], options: InverseCurvatureOptions = {}) {
  const seen = steps(c.map(() => [1]), (t) => {
    const sample = c[t];
    return sample === undefined ? {} : { curvature: Float64Array.of(sample) };
  });
  return referenceInverseCurvature({ kind: "user" }, { damping: 0, ...options })(seen)[0];
}

// β = .5 over 2, then 8: (.5·2 + 8)/1.5 = 6; without debiasing .5·.5·2 + .5·8 = 4.5
Deno.test("referenceInverseCurvature() averages the samples, and keeps h between them", () => {
  assertClose(factor([2, 8], { decay: .5 }), 1 / 6);
  assertClose(factor([2, undefined, undefined, 8, undefined], { decay: .5 }), 1 / 6);
  assertClose(factor([2, 8], { decay: .5, debias: false }), 1 / 4.5);
  assertClose(factor([2, 8], { decay: .5, moment: "rms" }), 1 / Math.sqrt((.5 * 4 + 64) / 1.5));
});

Deno.test("referenceInverseCurvature() takes the sign of the average, not of the samples", () => {
  assertClose(factor([-2, 8], { decay: .5 }), 1 / (7 / 1.5));
  assertClose(factor([8, -8], { decay: .5 }), 1 / (4 / 1.5));
  assert.equal(factor([8, -8], { decay: .5, sign: "positive" }), 0);
});

Deno.test("referenceInverseCurvature() damps by adding or by a floor", () => {
  assertClose(factor([2], { gain: 3, damping: .5 }), 1 / 6.5);
  assertClose(factor([2], { gain: 3, damping: .5, dampingForm: "max" }), 1 / 6);
  assertClose(factor([2], { gain: 3, damping: 7, dampingForm: "max" }), 1 / 7);
  assert.equal(factor([0]), 0); // not Infinity
});

Deno.test("referenceInverseCurvature() makes the empirical Fisher of the raw gradient", () => {
  const seen = steps([[5], [5]], (t) => ({
    gradient: Float64Array.of(t + 1),
    gradientSquares: { raw: Float64Array.of(10 * (t + 1)) },
    batchSize: 4,
  }));
  const options = { decay: .5, damping: 0 };
  const fisher = (from: "gradient" | "gradientSquares") =>
    referenceInverseCurvature({ kind: "empiricalFisher", from }, options)(seen);
  assertClose(fisher("gradient"), 1 / ((.5 * 4 * 1 + 4 * 4) / 1.5));
  assertClose(fisher("gradientSquares"), 1 / ((.5 * 10 + 20) / 1.5));
});

Deno.test("referenceInverseCurvature() has a limit only where the step is clipped", () => {
  assert.equal(referenceInverseCurvature({ kind: "fisher" }).limit, undefined);
  assert.equal(referenceInverseCurvature({ kind: "fisher" }, { stepClip: 2 }).limit, 2);
});

Deno.test("referenceInverseCurvature() wants a sample at the first step", () => {
  assert.throws(() => factor([undefined, 2]), /the first step brings no user sample$/);
  assert.throws(() => factor([1], { decay: 1 }), RangeError);
});
