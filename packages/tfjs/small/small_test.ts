/** This file imports one backend, and of everything else only what a test adds. */
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import "@tensorflow/tfjs-layers";
import assert from "node:assert/strict";
import * as small from "./wasm.ts";

const { adam, chain, hutchinson, inverseCurvature, learningRate, precond, scaleBy } = small;

/** What (x − 3)² takes x to from 0 and 10, in n steps. */
function train(optimizer: tf.Optimizer, n = 10): number[] {
  const x = tf.variable(tf.tensor1d([0, 10]));
  for (let i = 0; i < n; i++) optimizer.minimize(() => tf.sum(tf.square(tf.sub(x, 3))));
  return Array.from(x.dataSync());
}

function assertMissing(entry: string): (error: Error) => boolean {
  return ({ name, message }) => {
    assert.equal(name, "TypeError");
    assert.match(message, /^Cannot /);
    assert.ok(message.endsWith(`add import "@precond/tfjs/${entry}"`), message);
    return true;
  };
}

Deno.test("the entry of one backend trains on it as TensorFlow.js does", async () => {
  await tf.setBackend("wasm");
  const ours = train(precond(adam({ learningRate: 0.1, epsilon: 1e-7 })));
  const theirs = train(tf.train.adam(0.1, 0.9, 0.999, 1e-7));
  ours.forEach((w, i) => assert.ok(Math.abs(w - theirs[i]!) < 1e-5, `${w}, ${theirs[i]}`));
});

Deno.test("another backend is refused with the import to add, and runs with it", async () => {
  await tf.setBackend("cpu");
  const optimizer = precond(adam({ learningRate: 0.1 }));
  assert.throws(() => train(optimizer), assertMissing("cpu"));
  assert.equal(optimizer.iterations, 0);
  await import("../parts/cpu.ts");
  train(optimizer);
  assert.equal(optimizer.iterations, 10);
});

Deno.test("saving is refused with the import to add, and runs with it", async () => {
  await tf.setBackend("wasm");
  const [saved, restored] = [precond(adam()), precond(adam())];
  train(saved);
  await assert.rejects(() => saved.save(), assertMissing("saving"));
  await assert.rejects(() => saved.getWeights(), assertMissing("saving"));
  await assert.rejects(() => restored.setWeights([]), assertMissing("saving"));
  assert.throws(() => restored.load(new Uint8Array(9)), assertMissing("saving"));
  assert.throws(() => saved.getConfig(), assertMissing("saving"));
  await import("../parts/saving.ts");
  const bytes = await saved.save();
  restored.load(bytes);
  assert.deepEqual(await restored.save(), bytes);
});

Deno.test("samples are refused with the import to add, and are taken with it", async () => {
  await tf.setBackend("wasm");
  const newton = chain(scaleBy(inverseCurvature(hutchinson())), learningRate(0.5));
  const optimizer = precond(newton);
  assert.throws(() => train(optimizer, 1), assertMissing("sampling"));
  assert.equal(optimizer.iterations, 0);
  await import("../parts/sampling.ts");
  // The curvature of (x − 3)² is 2 everywhere: half a Newton step.
  train(optimizer, 1).forEach((x, i) => assert.ok(Math.abs(x - [1.5, 6.5][i]!) < 0.02, `${x}`));
});

Deno.test("accumulation is refused with the import to add, and runs with it", async () => {
  await tf.setBackend("wasm");
  const optimizer = precond(adam(), { accumulate: 2 });
  assert.throws(() => train(optimizer, 2), assertMissing("accumulation"));
  const x = tf.variable(tf.scalar(1));
  const closures = [() => tf.square(x) as tf.Scalar, () => tf.square(x) as tf.Scalar];
  const single = precond(adam());
  assert.throws(() => single.minimizeMicroBatches(closures), assertMissing("accumulation"));
  await import("../parts/accumulation.ts");
  train(optimizer, 2);
  assert.equal(optimizer.iterations, 1);
  single.minimizeMicroBatches(closures);
  assert.equal(single.iterations, 1);
});

Deno.test("telemetry is refused with the import to add, and runs with it", async () => {
  await tf.setBackend("wasm");
  const optimizer = precond(small.snrOnly());
  const report = Promise.withResolvers<small.TelemetryReport>();
  const options = { every: 1, onReport: report.resolve };
  assert.throws(() => optimizer.telemetry(options), assertMissing("telemetry"));
  await import("../parts/telemetry.ts");
  const end = optimizer.telemetry(options);
  train(optimizer, 1);
  assert.equal((await report.promise).iteration, 1);
  end();
});
