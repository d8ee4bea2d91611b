// The tables of refusals and failures that every host runs, on plain arrays.
import {
  checkAliasRefusals,
  checkFailure,
  checkHostRefusals,
  type FailingFactory,
  failureCases,
} from "@precond/testing";
import * as core from "./mod.ts";

Deno.test("every alias refuses what is no option of it", () => checkAliasRefusals(core));

Deno.test("createOptimizer() refuses what is no definition, and options that it does not have", () => {
  checkHostRefusals({
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
