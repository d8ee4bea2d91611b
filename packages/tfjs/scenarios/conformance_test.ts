import {
  basisCases,
  checkNonFinite,
  conformanceCases,
  heldCases,
  nonFiniteCases,
  random,
} from "@precond/testing";
import * as tf from "@tensorflow/tfjs-core";
import assert from "node:assert/strict";
import { backends, conform, opsBackend, tfSubject } from "../_testing.ts";
import { chain, inBasis, inverseRms, kronecker, learningRate, precond, scaleBy } from "../mod.ts";

Deno.test("a basis is refreshed in a loop that waits for nothing as in one that waits", async () => {
  await tf.setBackend(opsBackend);
  const path = async (waits: boolean) => {
    const { normal } = random(5);
    const optimizer = precond(
      chain(
        inBasis(kronecker({ every: 3, sides: "both" }), scaleBy(inverseRms())),
        learningRate(0.1),
      ),
    );
    const v = tf.tidy(() => tf.variable(tf.zeros([3, 4]), true, "refreshed"));
    for (let step = 0; step < 12; step++) {
      const gradient = tf.tensor(Array.from({ length: 12 }, normal), [3, 4]);
      optimizer.applyGradients({ [v.name]: gradient });
      gradient.dispose();
      if (waits) await v.data();
    }
    const values = [...v.dataSync()];
    optimizer.dispose();
    v.dispose();
    return values;
  };
  assert.deepEqual(await path(false), await path(true));
});

for (const backend of backends) {
  Deno.test(`updates on ${backend} follow the reference`, async (t) => {
    // Plain tf ops cannot tell without a read-back that a step was held.
    const held = backend === opsBackend ? [] : heldCases;
    const reads = backend === opsBackend ? "async" : "sync";
    const cases = [...conformanceCases, ...held, ...basisCases({ reads })];
    // Long enough for rounding to add up once; the others show that they do the same.
    const steps = backend === "cpu" ? 50 : 20;
    for (const test of cases) await t.step(test.name, () => conform(backend, test, steps));
  });

  Deno.test(`updates on ${backend} do with extreme gradients what the reference does`, async (t) => {
    await tf.setBackend(backend);
    for (const test of nonFiniteCases) {
      await t.step(test.name, () => checkNonFinite(test, tfSubject));
    }
  });
}
