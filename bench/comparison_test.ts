import assert from "node:assert/strict";
import { measuredRow, sensitivityRow } from "./_testing.ts";
import { compare, comparisonsOf, overviewOf } from "./comparison.ts";

/** Rows of seeds 1, 2, … with these examples to the target. */
const runs = (problem: string, method: string, examples: (number | null)[]) =>
  examples.map((examplesToTarget, i) =>
    measuredRow({ problem, method, seed: i + 1, examplesToTarget })
  );
const examples = { compared: "examplesToTarget" } as const;

Deno.test("a method that needs half the examples on every seed is better, at ½", () => {
  const rows = [...runs("mlp", "adam", [100, 40, 600]), ...runs("mlp", "sgd", [50, 20, 300])];
  const [found, ...others] = comparisonsOf({ rows, sensitivity: [] }, examples);
  assert.equal(others.length, 0);
  assert.deepEqual([found!.method, found!.rival, found!.problem], ["sgd", "adam", "mlp"]);
  assert.deepEqual(found!.effect, { middle: 0.5, low: 0.5, high: 0.5 });
  assert.equal(found!.finding, "better");
  assert.deepEqual(found!.pairs[1], { seed: 2, ours: 20, theirs: 40 });
});

Deno.test("pairs are of the same seed, place and selection", () => {
  const here = { problem: "mlp", method: "sgd" };
  const rows = [
    ...runs("mlp", "adam", [100, 100]),
    measuredRow({ ...here, seed: 2, examplesToTarget: 400 }),
    measuredRow({ ...here, seed: 3, examplesToTarget: 1 }),
    measuredRow({ ...here, seed: 1, examplesToTarget: 1, backend: "cpu" }),
    measuredRow({ ...here, seed: 1, examplesToTarget: 1, batchSize: 64 }),
    measuredRow({ ...here, seed: 1, examplesToTarget: 1, selection: "finalValidation" }),
  ];
  const found = comparisonsOf({ rows, sensitivity: [] }, examples);
  assert.deepEqual(found.map(({ pairs, effect }) => [pairs.length, effect.middle]), [[1, 4]]);
});

Deno.test("a run that never reached the target counts as such, on either side", () => {
  const finding = (ours: (number | null)[], theirs: (number | null)[]) =>
    compare(ours.map((our, i) => ({ seed: i + 1, ours: our, theirs: theirs[i]! })), "ratio");
  assert.deepEqual(finding([null, null], [5, 9]), {
    effect: { middle: Infinity, low: Infinity, high: Infinity },
    finding: "worse",
  });
  assert.deepEqual(finding([5, 9], [null, null]), {
    effect: { middle: 0, low: 0, high: 0 },
    finding: "better",
  });
  assert.equal(finding([null, null], [null, null]).finding, "not reached");
  // Half as many on one seed, not at all on the other.
  assert.equal(finding([5, null], [10, 10]).finding, "no difference");
});

Deno.test("a run that diverged has not reached what it crossed", () => {
  const rows = [
    ...runs("mlp", "adam", [100]),
    measuredRow({ problem: "mlp", method: "sgd", examplesToTarget: 16, diverged: true }),
  ];
  assert.equal(comparisonsOf({ rows, sensitivity: [] }, examples)[0]!.finding, "worse");
});

Deno.test("a method that diverged at every rate has taken part, and lost", () => {
  const rows = runs("mlp", "adam", [100, 90]);
  const sensitivity = [sensitivityRow({ problem: "mlp", method: "sgd", learningRate: null })];
  const [found] = comparisonsOf({ rows, sensitivity }, examples);
  assert.deepEqual([found!.method, found!.finding, found!.pairs.length], ["sgd", "worse", 2]);
});

Deno.test("a method that diverged at every rate of one batch size has not lost at another", () => {
  const rows = [16, 64].flatMap((batchSize) =>
    runs("mlp", "adam", [100]).map((row) => ({ ...row, batchSize }))
  );
  const diverged = { problem: "mlp", method: "sgd", learningRate: null };
  const placed = (more: { batchSize?: number }) =>
    comparisonsOf({ rows, sensitivity: [sensitivityRow({ ...diverged, ...more })] }, examples)
      .map(({ batchSize, finding }) => [batchSize, finding]);
  assert.deepEqual(placed({ batchSize: 64 }), [[64, "worse"]]);
  // Recorded without its size.
  assert.deepEqual(placed({}), [[16, "worse"], [64, "worse"]]);
});

Deno.test("losses are compared by their difference", () => {
  const loss = (method: string, final: number, best: number) =>
    measuredRow({ problem: "mlp", method, finalTestLoss: final, bestTestLoss: best });
  const rows = [loss("adam", 1.5, 1), loss("sgd", 1.25, 0.75)];
  const middle = (compared: "finalTestLoss" | "bestTestLoss" | "finalAgainstBest") =>
    comparisonsOf({ rows, sensitivity: [] }, { compared })[0]!.effect.middle;
  assert.equal(middle("finalTestLoss"), -0.25);
  assert.equal(middle("bestTestLoss"), -0.25);
  // Ours at the end, 1.25, with theirs at its best moment, 1.
  assert.equal(middle("finalAgainstBest"), 0.25);
});

Deno.test("another rival can be named", () => {
  const rows = [...runs("mlp", "adam", [100]), ...runs("mlp", "sgd", [50])];
  const [found] = comparisonsOf({ rows, sensitivity: [] }, { ...examples, rival: "sgd" });
  assert.deepEqual([found!.method, found!.effect.middle], ["adam", 2]);
});

Deno.test("overviewOf() has methods in their usual order, and no cell where one did not run", () => {
  const rows = [
    ...runs("mlp", "adam", [8]),
    ...runs("softmax", "adam", [8]),
    ...runs("mlp", "combined", [4]),
    ...runs("mlp", "sgd", [16]),
    ...runs("softmax", "sgd", [2]),
  ];
  const { methods, places, cell } = overviewOf(
    comparisonsOf({ rows, sensitivity: [] }, examples),
  );
  assert.deepEqual(methods, ["sgd", "combined"]);
  assert.deepEqual(places.map(({ problem }) => problem), ["mlp", "softmax"]);
  assert.deepEqual(
    methods.map((method) => places.map((place) => cell(method, place)?.effect.middle)),
    [[2, 0.25], [0.5, undefined]],
  );
});
