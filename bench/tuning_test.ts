import assert from "node:assert/strict";
import type { Outcome, Point } from "./problems/problem.ts";
import { choose, grid, score, tolerance } from "./tuning.ts";

const close = (a: number, b: number) => assert.ok(Math.abs(a - b) < 1e-9 * b, `${a}, not ${b}`);

function outcome(points: Partial<Point>[], more: Partial<Outcome> = {}): Outcome {
  return {
    curve: points.map((point, step) => ({ step, trainLoss: 1, ...point })),
    stepsToTarget: null,
    examplesToTarget: null,
    secondsToTarget: null,
    diverged: false,
    ...more,
  };
}

Deno.test("grid() is log-spaced around its centre", () => {
  grid(1, { count: 3, ratio: 4 }).forEach((rate, i) => close(rate, [1 / 4, 1, 4][i]!));
  grid(6, { count: 2, ratio: 9 }).forEach((rate, i) => close(rate, [2, 18][i]!));
});

Deno.test("choose() takes the best score and notices the edges", () => {
  assert.deepEqual(choose([3, 1, 2]), { index: 1, edge: null });
  assert.deepEqual(choose([1, 2, 3]), { index: 0, edge: "low" });
  assert.deepEqual(choose([3, 2, 1]), { index: 2, edge: "high" });
  assert.deepEqual(choose([2, 1, 1, 2]), { index: 1, edge: null });
  assert.deepEqual(choose([5]), { index: 0, edge: null });
});

Deno.test("choose() ignores rates that diverged, and finds nothing if all did", () => {
  assert.deepEqual(choose([2, 1, Infinity]), { index: 1, edge: null });
  assert.equal(choose([Infinity, Infinity]), undefined);
});

Deno.test("score() takes the loss that the selection names, never the test loss", () => {
  const run = outcome([
    { trainLoss: 9, validationLoss: 8, testLoss: 0 },
    { trainLoss: 5, validationLoss: 6, testLoss: 0 },
    { trainLoss: 4, validationLoss: 7, testLoss: 0 },
  ]);
  const options = { steps: 2, target: 1 };
  assert.equal(score(run, "finalTrainLoss", options), 4);
  assert.equal(score(run, "bestValidation", options), 6);
  assert.equal(score(run, "finalValidation", options), 7);
});

Deno.test("score() of a run that never reaches its target grows with the distance", () => {
  const options = { steps: 100, target: 1 };
  assert.equal(score(outcome([{ trainLoss: 3 }]), "stepsToTarget", options), 300);
  const reached = outcome([{ trainLoss: 0.5 }], { stepsToTarget: 40 });
  assert.equal(score(reached, "stepsToTarget", options), 40);
});

Deno.test("score() does not count a target that an unstable run only crosses", () => {
  const crossed = outcome([{ trainLoss: 50 }], { stepsToTarget: 3 });
  assert.equal(score(crossed, "stepsToTarget", { steps: 100, target: 1 }), 5000);
});

Deno.test("score() is Infinity for a run that diverged", () => {
  const run = outcome([{ trainLoss: 1 }], { diverged: true });
  assert.equal(score(run, "finalTrainLoss", { steps: 1, target: 1 }), Infinity);
  assert.equal(
    score(outcome([{ trainLoss: NaN }]), "finalTrainLoss", { steps: 1, target: 1 }),
    Infinity,
  );
});

Deno.test("tolerance() interpolates in the logarithms", () => {
  // From score 1 at rate 1 to 4 at rates 1/16 and 16: 2 is half way, at 1/4 and 4.
  const found = tolerance([1 / 16, 1, 16], [4, 1, 4], 2)!;
  close(found.range, 16);
  assert.equal(found.open, false);
});

Deno.test("tolerance() says when the range runs into the end of the grid", () => {
  assert.deepEqual(tolerance([1, 2, 4], [1, 1, 1], 2), { range: 4, open: true });
  assert.deepEqual(tolerance([1, 2, 4], [Infinity, 1, Infinity], 2), { range: 1, open: false });
  assert.equal(tolerance([1], [Infinity], 2), undefined);
});
