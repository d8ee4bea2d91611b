import { init } from "@jax-js/jax";
import {
  basisCases,
  checkConformance,
  checkNonFinite,
  conformanceCases,
  heldCases,
  nonFiniteCases,
} from "@precond/testing";
import { treeSubject } from "../_testing.ts";

await init("cpu", "wasm");
const inBasis = basisCases({ outputAxis: "first" });

Deno.test("updates on wasm follow the reference", async (t) => {
  for (const test of [...conformanceCases, ...heldCases, ...inBasis]) {
    await t.step(test.name, () => checkConformance(test, treeSubject("wasm"), { steps: 20 }));
  }
});

Deno.test("updates on cpu follow the reference", async (t) => {
  // Operations cannot tell without a read-back that a step was held.
  for (const test of [...conformanceCases, ...inBasis]) {
    await t.step(test.name, () => checkConformance(test, treeSubject("cpu"), { steps: 20 }));
  }
});

Deno.test("updates on wasm and cpu do with extreme gradients what the reference does", async (t) => {
  for (const device of ["wasm", "cpu"] as const) {
    for (const test of nonFiniteCases) {
      await t.step(`${device}, ${test.name}`, () => checkNonFinite(test, treeSubject(device)));
    }
  }
});
