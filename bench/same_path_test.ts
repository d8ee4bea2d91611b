import assert from "node:assert/strict";
import { furthest, type PathRow, pathsOf, pathTable, stepMilliseconds } from "./same_path.ts";

const curve = (...trainLosses: number[]) => ({
  curve: trainLosses.map((trainLoss, step) => ({ step, trainLoss, testLoss: 1 })),
});

Deno.test("furthest() is the largest relative difference, and none where a run has no number", () => {
  // |1.5 − 2|/2 and |1.1 − 1|/1
  assert.equal(furthest(curve(1.5, 1.1), curve(2, 1)), 0.25);
  assert.equal(furthest(curve(2, 1), curve(2, 1)), 0);
  assert.equal(furthest(curve(2, NaN), curve(2, 1)), Infinity);
  // One of the two ended early.
  assert.equal(furthest(curve(2), curve(2, 1)), Infinity);
});

Deno.test("stepMilliseconds() leaves out what the first steps compile", () => {
  const at = (step: number, seconds: number) => ({ step, trainLoss: 1, seconds });
  assert.equal(stepMilliseconds([at(0, 0), at(10, 5), at(20, 5.5), at(30, 6)]), 50);
  assert.equal(stepMilliseconds([at(0, 0), at(10, 5)]), null);
});

Deno.test("networks take the same path on every backend that needs no GPU", async () => {
  const backends = ["cpu", "wasm", "onnxruntime", "onnxruntime-wasm"];
  const problems = ["sparse-logistic"];
  const rows = await pathsOf({ problems, backends, method: "precond-adam", steps: 10 });
  assert.deepEqual(
    rows.map(({ problem, backend }) => [backend, problem]),
    backends.flatMap((backend) => problems.map((problem) => [backend, problem])),
  );
  for (const { problem, backend, reason, difference, steps, step_ms, curve } of rows) {
    assert.equal(reason, null);
    assert.deepEqual(curve!.step, [0, 5, 10]);
    assert.equal(steps, 10);
    assert.ok(step_ms! > 0);
    assert.ok(curve!.trainLoss.at(-1)! < curve!.trainLoss[0]!);
    assert.ok(difference! <= (backend === "cpu" ? 0 : 1e-3), `${problem}, ${backend}`);
  }
});

Deno.test("pathTable() names what did not run, and why", () => {
  const row = (problem: string, backend: string, more: Partial<PathRow>): PathRow => ({
    ...{ problem, backend, method: "adamw", seed: 2, learningRate: 1, steps: 20, gpu: null },
    ...{ difference: null, step_ms: null, reason: null, curve: null },
    ...more,
  });
  const rows = [
    row("mlp", "cpu", { difference: 0, step_ms: 4 }),
    row("cnn", "cpu", { difference: 0, step_ms: 8 }),
    row("mlp", "webgl", { difference: 2.4e-6, step_ms: 2 }),
    row("cnn", "webgl", { reason: "Cannot run it: lost\nat line" }),
  ];
  assert.deepEqual(pathTable(rows).split("\n"), [
    "| problem | cpu | webgl |",
    "| --- | --- | --- |",
    "| mlp | 4 ms | 2e-6, 2 ms |",
    "| cnn | 8 ms | – |",
    "",
    "Not run:",
    "",
    "- cnn on webgl: Cannot run it: lost",
  ]);
});
