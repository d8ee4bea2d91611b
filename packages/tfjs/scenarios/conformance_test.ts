import {
  basisCases,
  checkNonFinite,
  conformanceCases,
  heldCases,
  nonFiniteCases,
} from "@precond/testing";
import * as tf from "@tensorflow/tfjs-core";
import { backends, conform, opsBackend, tfSubject } from "../_testing.ts";

for (const backend of backends) {
  Deno.test(`updates on ${backend} follow the reference`, async (t) => {
    // Plain tf ops cannot tell without a read-back that a step was held.
    const held = backend === opsBackend ? [] : heldCases;
    const reads = backend === opsBackend ? "async" : "sync";
    const cases = [...conformanceCases, ...held, ...basisCases({ reads })];
    for (const test of cases) await t.step(test.name, () => conform(backend, test));
  });

  Deno.test(`updates on ${backend} do with extreme gradients what the reference does`, async (t) => {
    await tf.setBackend(backend);
    for (const test of nonFiniteCases) {
      await t.step(test.name, () => checkNonFinite(test, tfSubject));
    }
  });
}
