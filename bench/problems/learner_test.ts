import assert from "node:assert/strict";
import { constant } from "@precond/core/pieces";
import { methodNamed } from "../methods.ts";
import { examplesOf, networks } from "./_testing.ts";
import { hasLayer, type Network } from "./layers.ts";
import { createLearner } from "./learner.ts";
import { addOnnxBackends } from "./onnx_learner.ts";
import { flatten, placeWeights, type Weights } from "./weights.ts";

const convolutions = networks["convolutions"]!;

/** Losses before training and after every fifth of 20 steps. */
async function losses(backend: string, network: Network, method: string): Promise<number[]> {
  const learner = await createLearner(backend, {
    network,
    method: methodNamed(method),
    schedule: constant(0.05),
    seed: 3,
    batchSize: 16,
  });
  const probe = learner.upload(examplesOf(network, 100));
  const seen = [(await learner.evaluate(probe)).loss];
  for (let step = 0; step < 20; step++) {
    const batch = learner.upload(examplesOf(network, step));
    await learner.step(batch, step);
    learner.drop(batch);
    if (step % 5 === 4) seen.push((await learner.evaluate(probe)).loss);
  }
  learner.drop(probe);
  await learner.dispose();
  return seen;
}

addOnnxBackends();

Deno.test("weights that are read and set are the same on tfjs and ONNX Runtime", async () => {
  const start = { network: convolutions, method: methodNamed("sgd"), schedule: constant(0.05) };
  const drawn = flatten(placeWeights({ network: convolutions, seed: 3 }));
  const other = flatten(placeWeights({ network: convolutions, seed: 4 }));
  const seen = [];
  for (const backend of ["wasm", "onnxruntime"]) {
    const learner = await createLearner(backend, { ...start, seed: 3, batchSize: 16 });
    assert.deepEqual(await learner.weights(), drawn);
    learner.setWeights(other);
    assert.deepEqual(await learner.weights(), other);
    const batch = learner.upload(examplesOf(convolutions, 0));
    await learner.step(batch, 0);
    learner.drop(batch);
    seen.push(await learner.weights());
    await learner.dispose();
    const given = { ...start, seed: 3, batchSize: 16, weights: other };
    const again = await createLearner(backend, given);
    assert.deepEqual(await again.weights(), other);
    await again.dispose();
  }
  const [expected, actual] = seen as [Weights, Weights];
  expected.forEach((array, i) => {
    assert.notDeepEqual(array, other[i]);
    array.forEach((w, j) => assert.ok(Math.abs(actual[i]![j]! - w) < 1e-5, `${i}: ${w}`));
  });
});

for (const [name, network] of Object.entries(networks)) {
  // Which sides of a convolution are rotated depends on what the host knows of its positions.
  const rotated = hasLayer(network.layers, "conv") ? [] : ["combined"];
  const methods = ["sgd", "snrOnly", ...rotated];
  for (const method of methods) {
    Deno.test(`${name} with ${method} takes the same path on tfjs and ONNX Runtime`, async () => {
      const expected = await losses("wasm", network, method);
      const actual = await losses("onnxruntime", network, method);
      assert.notEqual(expected[0], expected.at(-1));
      expected.forEach((loss, k) => {
        assert.ok(Math.abs(actual[k]! - loss) < 1e-3 * Math.max(1, loss), `${actual} ${expected}`);
      });
    });
  }
}
