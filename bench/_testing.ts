/**
 * Helpers of this package's tests.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { Runtime, TimedRow } from "./overhead/rows.ts";
import type { Examples } from "./problems/digits.ts";
import type { Outcome } from "./problems/problem.ts";
import { random } from "./random.ts";
import type { Row, Sensitivity } from "./rows.ts";
import { pairs, type StepRow } from "./step/rows.ts";

/** Checks the rows of one case on a GPU. */
export function checkGpuRows(rows: readonly TimedRow[], backend: string, runtime: Runtime): void {
  assert.deepEqual(rows.map(({ method, baseline }) => [method, baseline]), [
    ["sgd momentum", "tf.train.adam"],
    ["sgd momentum", "tf.train.momentum"],
    ["adam", "tf.train.adam"],
    ["snrOnly", "tf.train.adam"],
    ["snrOnly", "adam"],
    ["combined", "tf.train.adam"],
  ]);
  for (const row of rows) {
    assert.deepEqual([row.backend, row.runtime, row.waits], [backend, runtime, "step"]);
    assert.ok(row.gpu!.length > 0);
    assert.equal(row.ratio, row.ours_ms / row.baseline_ms);
    assert.ok(row.ours_ms > 0 && row.wait_ms! > 0);
    assert.equal(row.refresh_ms !== null, row.method === "combined");
  }
}

/** Checks the rows of whole steps on a backend. */
export function checkStepRows(rows: readonly StepRow[], backend: string, runtime: Runtime): void {
  assert.deepEqual(rows.map(({ method, baseline }) => [method, baseline]), Object.entries(pairs));
  const onGpu = backend.startsWith("webg");
  for (const row of rows) {
    assert.deepEqual([row.backend, row.runtime], [backend, runtime]);
    assert.deepEqual([row.gpu !== null, row.waits !== null, row.wait_ms !== null], [
      onGpu,
      onGpu,
      onGpu,
    ]);
    assert.equal(row.ratio, row.baseline_ms / row.step_ms);
    assert.ok(row.step_ms > 0 && row.gradients_ms > 0 && row.ratio < Infinity);
  }
}

/** Checks that two backends have trained the same. */
export function checkSameLosses(actual: Outcome, expected: Outcome): void {
  assert.deepEqual(actual.curve.map(({ step }) => step), expected.curve.map(({ step }) => step));
  assert.equal(actual.stepsToTarget, expected.stepsToTarget);
  actual.curve.forEach((point, i) => {
    for (const key of ["trainLoss", "testLoss", "validationLoss"] as const) {
      const [a, b] = [point[key], expected.curve[i]![key]];
      assert.equal(typeof a, typeof b);
      if (a === undefined || b === undefined) continue;
      // Sums of float32 in another order, over some hundred steps.
      assert.ok(Math.abs(a - b) <= 1e-3 * b, `${key} after ${point.step} steps: ${a} and ${b}`);
    }
  });
}

/** A row of seed 1 with these values; what is left out was not measured. */
export function measuredRow(values: Partial<Row> & Pick<Row, "problem" | "method">): Row {
  return {
    mode: "none",
    implementation: "",
    backend: "wasm",
    batchSize: 16,
    seed: 1,
    selection: "finalTrainLoss",
    learningRate: 0.1,
    stepsToTarget: null,
    examplesToTarget: null,
    secondsToTarget: null,
    finalTrainLoss: null,
    finalTestLoss: null,
    bestTestLoss: null,
    finalTestAccuracy: null,
    diverged: false,
    prediction: null,
    curve: { step: [], trainLoss: [] },
    settings: "",
    commit: null,
    dirty: false,
    device: { cpu: "", cores: 1, os: "" },
    versions: { precond: "", tfjs: "", deno: "" },
    workers: 1,
    ...values,
  };
}

/** Tuning runs with these values. */
export function sensitivityRow(
  values: Partial<Sensitivity> & Pick<Sensitivity, "problem" | "method">,
): Sensitivity {
  return {
    backend: "wasm",
    selection: "finalTrainLoss",
    settings: "",
    seed: 0,
    rates: [],
    scores: [],
    learningRate: 0.1,
    edge: null,
    within10: null,
    within2x: null,
    open10: false,
    open2x: false,
    ...values,
  };
}

/** A number for each example that only an equal one has: its features, weighed at random. */
export function keysOf({ count, features, x }: Examples): number[] {
  const draw = random("keys");
  const weights = Float64Array.from({ length: features }, () => draw.uniform());
  return Array.from({ length: count }, (_, i) => {
    let key = 0;
    for (let k = 0; k < features; k++) key += weights[k]! * x[i * features + k]!;
    return key;
  });
}
