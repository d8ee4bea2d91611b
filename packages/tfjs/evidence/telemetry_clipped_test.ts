import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-webgpu";
import assert from "node:assert/strict";
import { backends } from "../_testing.ts";
import { clippedReports, expectedClipped } from "../scenarios/clipped.ts";
import { precond, sgd, sophia, type TelemetryReport, userCurvature } from "../mod.ts";

const hasWebgpu = Boolean(await navigator.gpu?.requestAdapter());

for (const backend of [...backends, "webgpu"]) {
  Deno.test({
    name: `telemetry counts what is clipped on ${backend}`,
    ignore: backend === "webgpu" && !hasWebgpu,
    sanitizeOps: backend !== "webgpu",
    sanitizeResources: backend !== "webgpu",
    async fn() {
      await tf.setBackend(backend);
      assert.deepEqual(await clippedReports(), expectedClipped);
    },
  });
}

Deno.test("telemetry counts the elements that sophia() clips, every second update", async () => {
  await tf.setBackend("cpu");
  const v = tf.variable(tf.zeros([4]), true, "sophisticated");
  const optimizer = precond(sophia({ curvature: userCurvature({ every: 1 }), gamma: 0.05 }));
  const reports: TelemetryReport[] = [];
  const stop = optimizer.telemetry({ every: 2, onReport: (r) => reports.push(r) });
  const [g, h] = [tf.tensor1d([-0.2, 0.02, 0.03, 0.04]), tf.fill([4], 2)];
  for (let i = 0; i < 2; i++) {
    optimizer.applyGradients({ [v.name]: g }, { curvature: { [v.name]: h } });
  }
  await new Promise((done) => setTimeout(done, 10));
  stop();
  // Second step without bias correction: m = (1 − .965²) g = .068775 g, γh = .05 (1 − .99²) 2 = .00199,
  // so that |g| > .02894 is clipped.
  assert.deepEqual(reports.map(({ iteration, clipped }) => [iteration, clipped]), [
    [2, { elements: 3, norm: false, variables: { [v.name]: { elements: 3, norm: false } } }],
  ]);
  optimizer.dispose();
  tf.dispose([v, g, h]);
});

Deno.test("telemetry of a chain without bounds reports nothing clipped", async () => {
  await tf.setBackend("cpu");
  const v = tf.variable(tf.zeros([1]), true, "unbound");
  const optimizer = precond(sgd({ learningRate: 1 }));
  const reports: TelemetryReport[] = [];
  const stop = optimizer.telemetry({ every: 1, onReport: (r) => reports.push(r) });
  const g = tf.tensor1d([1e6]);
  optimizer.applyGradients({ [v.name]: g });
  await new Promise((done) => setTimeout(done, 10));
  stop();
  assert.deepEqual(reports[0]!.clipped, { elements: 0, norm: false, variables: {} });
  optimizer.dispose();
  tf.dispose([v, g]);
});
