import { assertAllClose, random } from "@precond/testing";
import * as tf from "@tensorflow/tfjs-core";
import assert from "node:assert/strict";
import { backends } from "../_testing.ts";
import {
  adam,
  advise,
  type Chain,
  chain,
  inverseRms,
  learningRate,
  precond,
  scaleBy,
  signalFraction,
  skipNonFinite,
  snrOnly,
  type TelemetryReport,
  toSeries,
} from "../mod.ts";

/** Gradients around `mean` with deviation `deviation`, reports of every `every` of `steps` updates. */
async function observe(
  { mean, deviation, size, steps, every }: {
    mean: number;
    deviation: number;
    size: number;
    steps: number;
    every: number;
  },
): Promise<TelemetryReport[]> {
  const { normal } = random(5);
  const v = tf.tidy(() =>
    tf.variable(tf.zeros([size]), true, `observed${mean}/${deviation}/${steps}`)
  );
  const T = signalFraction({ decay: 0.99, floor: 0 });
  const optimizer = precond(chain(skipNonFinite(), scaleBy(T), learningRate(0.01)), {
    batchSize: 32,
  });
  const reports: TelemetryReport[] = [];
  const stop = optimizer.telemetry({ every, onReport: (r) => reports.push(r) });
  for (let i = 0; i < steps; i++) {
    const g = tf.tensor1d(Float32Array.from({ length: size }, () => mean + deviation * normal()));
    optimizer.applyGradients([{ name: v.name, tensor: g }]);
    g.dispose();
    await new Promise((done) => setTimeout(done, 0));
  }
  stop();
  optimizer.dispose();
  v.dispose();
  return reports;
}

for (const backend of backends) {
  Deno.test(`telemetry sees signal and noise as they are on ${backend}`, async () => {
    await tf.setBackend(backend);
    const before = tf.memory().numTensors;
    const size = 400;
    const reports = await observe({ mean: 1, deviation: 2, size, steps: 300, every: 100 });
    assert.deepEqual(reports.map((r) => r.iteration), [100, 200, 300]);
    const last = reports.at(-1)!;
    // g² = 1 and σ² = 4 an element: 400 of them, each a mean over about 100 effective steps.
    assertAllClose([last.signal, last.noise], [size, 4 * size], { relative: 0.1 });
    assertAllClose([last.fraction], [0.2], { relative: 0.1 });
    // B σ²/g² = 32 · 4
    assertAllClose([last.noiseScale], [128], { relative: 0.15 });
    const { p10, p50, p90 } = last.quantiles;
    assert.ok(p10 <= p50 && p50 <= p90 && p50 > 0.1 && p50 < 0.4, JSON.stringify(last.quantiles));
    // 1 − mean(g_s²)/σ² = 1 − 5/4
    assertAllClose([last.evidence], [-0.25], { absolute: 0.15 });
    assert.equal(advise(last).onlyNoise, false);
    assert.match(advise(last).text, /examples a batch/);
    assert.deepEqual(toSeries(reports).series, ["all", Object.keys(last.variables)[0]!]);
    assert.equal(tf.memory().numTensors, before);
  });
}

Deno.test("telemetry says when only noise is left", async () => {
  await tf.setBackend("cpu");
  const [report] = await observe({ mean: 0, deviation: 1, size: 4000, steps: 100, every: 100 });
  // Without signal 1 − mean(g_s²)/σ² is 0 up to sampling error, and T near 0.
  assertAllClose([report!.evidence], [0], { absolute: 0.08 });
  assert.ok(Math.abs(report!.signal) < 0.05 * report!.noise);
  const finished = { ...report!, evidence: 0.01 };
  assert.equal(advise(finished).onlyNoise, true);
  assert.match(advise(finished).text, /stopping loses little/);
});

Deno.test("telemetry tells no noise scale where nobody said how many examples a batch has", async () => {
  await tf.setBackend("cpu");
  const v = tf.variable(tf.tensor1d([1, 1]), true, "uncounted");
  const reportOf = (definition: Chain, options = {}) =>
    new Promise<TelemetryReport>((onReport, onError) => {
      const optimizer = precond(definition, options);
      optimizer.telemetry({ every: 2, onReport, onError });
      for (const g of [[2, 2], [2, 1]]) {
        tf.tidy(() => optimizer.applyGradients([{ name: v.name, tensor: tf.tensor1d(g) }]));
      }
    });
  const uncounted = await reportOf(snrOnly());
  assert.ok(uncounted.signal > 0 && Number.isNaN(uncounted.noiseScale));
  assert.match(advise(uncounted).text, /^give batchSize/);
  const [one, eight] = [
    await reportOf(snrOnly(), { batchSize: 1 }),
    await reportOf(snrOnly(), { batchSize: 8 }),
  ];
  assertAllClose([eight.noiseScale], [8 * one.noiseScale], { relative: 1e-6 });
  const blind = await reportOf(adam());
  assert.match(advise(blind).text, /does not estimate noise; snrOnly\(\)/);
  v.dispose();
});

Deno.test("telemetry gives the norm of the update, and counts skipped steps", async () => {
  await tf.setBackend("cpu");
  tf.variable(tf.tensor1d([1, 1]), true, "normed");
  const optimizer = precond(chain(skipNonFinite(), scaleBy(signalFraction()), learningRate(0.5)));
  const reports: TelemetryReport[] = [];
  optimizer.telemetry({ every: 1, onReport: (r) => reports.push(r) });
  optimizer.applyGradients({ normed: tf.tensor1d([NaN, 1]) });
  // First sample: T = 1, so that the update is 0.5·(3, 4).
  optimizer.applyGradients({ normed: tf.tensor1d([3, 4]) });
  await new Promise((done) => setTimeout(done, 10));
  assert.deepEqual(reports.map((r) => [r.updateNorm, r.skipped]), [[0, 1], [2.5, 1]]);
  assert.throws(() => optimizer.telemetry({ every: 0, onReport() {} }), {
    message: "Cannot report telemetry: every must be a positive integer, current value is 0",
  });
});

Deno.test("telemetry of a chain without a signal fraction reports the update's norm alone", async () => {
  await tf.setBackend("cpu");
  const v = tf.variable(tf.tensor1d([1]), true, "plainly");
  const optimizer = precond(adam({ learningRate: 0.1 }));
  const reports: TelemetryReport[] = [];
  optimizer.telemetry({ every: 1, onReport: (r) => reports.push(r) });
  optimizer.applyGradients({ plainly: tf.tensor1d([2]) });
  await new Promise((done) => setTimeout(done, 10));
  assertAllClose([reports[0]!.updateNorm], [0.1], { relative: 1e-4 });
  assert.deepEqual(reports[0]!.variables, {});
  v.dispose();
});

Deno.test("telemetry does not advise to stop where no noise was seen, nor on what it cannot compare", async () => {
  await tf.setBackend("cpu");
  const v = tf.variable(tf.zeros([4]), true, "noiseless");
  const run = async (definition: ReturnType<typeof chain>) => {
    const optimizer = precond(definition);
    const reports: TelemetryReport[] = [];
    optimizer.telemetry({ every: 1, onReport: (r) => reports.push(r) });
    for (const second of [2, 2, 3]) {
      optimizer.applyGradients({ noiseless: tf.tensor1d([1, second, 0, 0]) });
      await new Promise((done) => setTimeout(done, 5));
    }
    return reports.map(({ evidence }) => evidence);
  };
  const T = scaleBy(signalFraction());
  // No noise yet, twice; then one element without noise still speaks against stopping.
  assert.deepEqual(await run(chain(skipNonFinite(), T)), [NaN, NaN, -Infinity]);
  // T estimated on something else than the gradient: not comparable.
  assert.deepEqual(await run(chain(scaleBy(inverseRms()), T)), [NaN, NaN, NaN]);
  v.dispose();
});
