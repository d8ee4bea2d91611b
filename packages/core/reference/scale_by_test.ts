import assert from "node:assert/strict";
import { assertClose, historyOf, steps, w } from "./_testing.ts";
import { scaleByStage } from "./scale_by.ts";
import { momentumStage } from "./transforms.ts";
import type { ReferenceEstimator } from "./types.ts";

/** A factor of twice the newest input. */
const twice: ReferenceEstimator = (samples) => samples.at(-1)!.input.map((x) => 2 * x);
const seen = historyOf(steps([[1], [4]], () => ({
  gradientSquares: { input: Float64Array.of(3), raw: Float64Array.of(3) },
})));

Deno.test("scaleByStage() multiplies what flows in, and q by the factor's square", () => {
  const { update, gradientSquares } = w(scaleByStage(twice)(seen));
  assertClose(update, 8 * 4);
  assertClose(gradientSquares, 3 * 8 ** 2);
});

Deno.test("scaleByStage() estimates on x and applies to `to`, dropping q", () => {
  const stage = scaleByStage(twice, { to: momentumStage({ decay: .5 }) });
  const { update, gradientSquares } = w(stage(seen));
  assertClose(update, 8 * 3); // (.5·1 + 4)/1.5 = 3
  assert.equal(gradientSquares, undefined);
});

Deno.test("scaleByStage() clamps to the estimator's limit", () => {
  const limited = Object.assign((samples: Parameters<typeof twice>[0]) => twice(samples), {
    limit: 5,
  });
  assertClose(w(scaleByStage(limited)(seen)).update, 5);
});
