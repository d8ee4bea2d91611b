import { conformanceCases, heldCases } from "@precond/testing";
import { backends, conform, opsBackend } from "../_testing.ts";

for (const backend of backends) {
  Deno.test(`updates on ${backend} follow the reference`, async (t) => {
    // Plain tf ops cannot tell without a read-back that a step was held.
    const cases = backend === opsBackend ? conformanceCases : [...conformanceCases, ...heldCases];
    for (const test of cases) await t.step(test.name, () => conform(backend, test));
  });
}
