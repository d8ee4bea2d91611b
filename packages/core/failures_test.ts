// The tables of refusals and failures that every host runs, on plain arrays.
import {
  checkAliasRefusals,
  checkFailure,
  checkHostRefusals,
  checkKernelFailures,
  type FailingFactory,
  failureCases,
  steppedDefinitions,
  webgpuBackend,
} from "@precond/testing";
import assert from "node:assert/strict";
import { arrayBackend, wasmBackend } from "./backend.ts";
import * as core from "./mod.ts";

Deno.test("every alias refuses what is no option of it", () => checkAliasRefusals(core));

Deno.test("createOptimizer() refuses what is no definition, and options that it does not have", async () => {
  await checkHostRefusals({
    make: core.createOptimizer as (definition: unknown, options?: unknown) => unknown,
    definition: core.adam(),
    uncalled: core.adam,
    options: { lowering: ["webgl", 1, null] },
  });
});

for (const lowering of ["javascript", "interpreter", "wasm"] as const) {
  const factory: FailingFactory = (definition) => {
    const optimizer = core.createOptimizer(definition, { lowering });
    const weights = { a: Float32Array.of(1, 1), b: Float32Array.of(1, 1) };
    return {
      step: ({ a, b }) =>
        optimizer.step({
          a: { weights: weights.a, gradient: Float32Array.from(a) },
          b: { weights: weights.b, gradient: Float32Array.from(b) },
        }),
      state: async () => [
        optimizer.iteration,
        [...weights.a],
        [...weights.b],
        [...await optimizer.save()],
      ],
      dispose: () => optimizer.dispose(),
    };
  };
  for (const test of failureCases) {
    Deno.test(`${test.name}: nothing has changed, in ${lowering}`, () =>
      checkFailure(test, factory));
  }
}

const adapter = await navigator.gpu?.requestAdapter();
for (const [name, definition] of Object.entries(steppedDefinitions)) {
  const test = (place: string, run: () => Promise<number>, ignore = false) =>
    Deno.test({
      name: `whatever fails of a step of ${name}, nothing has changed in ${place}`,
      ignore,
      fn: async () => {
        const failures = await run();
        // Four steps, of a kernel each at least.
        assert.ok(failures >= 4, `${failures} failures`);
      },
    });
  test("javascript", () => checkKernelFailures(definition, arrayBackend()));
  test("wasm", () => checkKernelFailures(definition, wasmBackend()));
  test("webgpu", async () => {
    const device = await adapter!.requestDevice();
    try {
      return await checkKernelFailures(definition, webgpuBackend(device));
    } finally {
      device.destroy();
    }
  }, !adapter && Deno.env.get("CI") !== "true");
}
