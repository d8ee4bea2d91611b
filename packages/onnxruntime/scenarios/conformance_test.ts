// The conformance suite through Trainer: graphs, runs and updates together.
import {
  basisCases,
  checkConformance,
  checkNonFinite,
  conformanceCases,
  heldCases,
  nonFiniteCases,
} from "@precond/testing";
import assert from "node:assert/strict";
import { nodeOrt } from "./builds.ts";
import type { Ort } from "../hosts/ort.ts";
import { routesOf, trainerSubject } from "./conformance.ts";

const cases = [...conformanceCases, ...heldCases, ...basisCases({ outputAxis: "first" })];

Deno.test("All cases but those with squares in some steps only go through a trainer", () => {
  const out = cases.filter((test) => routesOf(test).length === 0).map(({ name }) => name);
  assert.deepEqual(out, [
    'signalFraction({"from":"gradientSquares","pool":"tensor","scale":"unit-norm"})',
    "empirical Fisher from gradientSquares, T on H⁻¹g from gradientSquares",
  ]);
});

for (
  const [name, { load, steps }] of Object.entries({
    "onnxruntime-node": { load: () => Promise.resolve(nodeOrt), steps: 50 },
    // Its updates are the same code: a few steps show that it has the evidence.
    "onnxruntime-web on wasm": {
      load: async () => await import("onnxruntime-web") as unknown as Ort,
      steps: 10,
    },
  })
) {
  Deno.test({
    name: `A trainer on ${name} follows the reference`,
    // ONNX Runtime's WebAssembly keeps ports open.
    sanitizeOps: false,
    sanitizeResources: false,
    async fn(t) {
      const ort = await load();
      for (const test of cases) {
        for (const route of routesOf(test)) {
          await t.step({
            name: `${test.name}, ${route}`,
            fn: () => checkConformance(test, trainerSubject(ort, test, route), { steps }),
            sanitizeOps: false,
            sanitizeResources: false,
          });
        }
      }
    },
  });
}

Deno.test("A trainer does with extreme gradients what the reference does", async (t) => {
  for (const test of nonFiniteCases) {
    // NaN on purpose must come to the chain; by hand, as a weight that is not finite has no difference.
    const extreme = { ...test, plan: { ...test.plan, nonFinite: () => true } };
    await t.step(
      test.name,
      () => checkNonFinite(test, trainerSubject(nodeOrt, extreme, "user")),
    );
  }
});
