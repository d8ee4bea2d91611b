// The tables of refusals and failures that every host runs, on tf variables.
import {
  checkAliasRefusals,
  checkFailure,
  checkHostRefusals,
  checkKernelFailures,
  type FailingFactory,
  failureCases,
  steppedDefinitions,
} from "@precond/testing";
import * as tf from "@tensorflow/tfjs-core";
import assert from "node:assert/strict";
import { backends, opsBackend } from "../_testing.ts";
import { tensorBackend } from "../backends/tensors.ts";
import * as all from "../mod.ts";

Deno.test("every alias refuses what is no option of it", () => checkAliasRefusals(all));

Deno.test("precond() refuses what is no definition, and options that it does not have", async () => {
  await checkHostRefusals({
    make: all.precond as (definition: unknown, options?: unknown) => unknown,
    definition: all.adam(),
    uncalled: all.adam,
    options: {
      seed: [-1, 1.5, NaN, "1", 2 ** 32],
      differenceStep: [0, -1, NaN, Infinity, "1e-3"],
      batchSize: [0, -8, NaN, "8"],
      gradientSquares: [],
      accumulate: [0, 1.5, NaN, "2"],
    },
  });
  for (const gradientSquares of [3, { every: 0 }, { evry: 2 }]) {
    assert.throws(
      () => all.precond(all.adam(), { gradientSquares } as object),
      /^\w+: Cannot make/,
    );
  }
});

const factory: FailingFactory = (definition) => {
  const optimizer = all.precond(definition);
  const variables = ["a", "b"].map((name) => tf.tidy(() => tf.variable(tf.ones([2]), true, name)));
  return {
    step: ({ a, b }) => {
      const gradients = { a: tf.tensor1d([...a]), b: tf.tensor1d([...b]) };
      try {
        optimizer.applyGradients(gradients);
      } finally {
        tf.dispose(gradients);
      }
    },
    state: async () => [
      optimizer.iterations,
      ...variables.map((v) => [...v.dataSync()]),
      [...await optimizer.save()],
    ],
    dispose() {
      optimizer.dispose();
      tf.dispose(variables);
    },
  };
};

for (const backend of backends) {
  for (const test of failureCases) {
    Deno.test(`${test.name}: nothing has changed, on ${backend}`, async () => {
      await tf.setBackend(backend);
      const before = tf.memory().numTensors;
      await checkFailure(test, factory);
      assert.equal(tf.memory().numTensors, before);
    });
  }
}

Deno.test("whichever kernel of a step fails, nothing has changed", async () => {
  await tf.setBackend(opsBackend);
  const engine = tf.engine();
  const { runKernel } = engine;
  const optimizer = all.precond(all.adam());
  const w = tf.tidy(() => tf.variable(tf.ones([2]), true, "kernels/w"));
  const gradient = tf.ones([2]);
  optimizer.applyGradients({ [w.name]: gradient });
  const state = async () => [[...w.dataSync()], optimizer.iterations, [...await optimizer.save()]];
  const before = await state(), tensors = tf.memory().numTensors;
  let failed = 0;
  for (let k = 0;; k++) {
    let left = k;
    engine.runKernel = (...args) => {
      if (left-- === 0) throw new Error(`kernel ${k} fails`);
      return runKernel.apply(engine, args) as never;
    };
    try {
      optimizer.applyGradients({ [w.name]: gradient });
      break;
    } catch (error) {
      assert.equal((error as Error).message, `kernel ${k} fails`);
      failed++;
    } finally {
      engine.runKernel = runKernel;
    }
    assert.deepEqual(await state(), before, `after kernel ${k}`);
    assert.equal(tf.memory().numTensors, tensors, `after kernel ${k}`);
  }
  assert.ok(failed > 10, `${failed} kernels`);
  assert.equal(optimizer.iterations, 2);
  optimizer.dispose();
  tf.dispose([w, gradient]);
});

for (const backend of backends) {
  for (const [name, definition] of Object.entries(steppedDefinitions)) {
    Deno.test(`whatever fails of a step of ${name}, nothing has changed on ${backend}`, async () => {
      await tf.setBackend(backend);
      const before = tf.memory().numTensors;
      assert.ok(await checkKernelFailures(definition, tensorBackend()) >= 4);
      assert.equal(tf.memory().numTensors, before);
    });
  }
}
