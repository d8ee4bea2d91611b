import { createOptimizer, type OptimizerOptions } from "./mod.ts";
import {
  basisCases,
  checkConformance,
  checkNonFinite,
  conformanceCases,
  heldCases,
  nonFiniteCases,
  type SubjectFactory,
} from "@precond/testing";

function subject(lowering: OptimizerOptions["lowering"]): SubjectFactory {
  return (definition, parameters) => {
    const optimizer = createOptimizer(definition, { lowering: lowering! });
    return {
      step({ evidence, microBatches, batchSize }) {
        const given = Object.entries(evidence).map(([name, e]) => [
          name,
          { ...e, shape: parameters[name]!.shape, weights: parameters[name]!.weights },
        ]);
        optimizer.step(Object.fromEntries(given), { microBatches, batchSize });
      },
      weights: () =>
        Object.fromEntries(Object.entries(parameters).map(([name, p]) => [name, p.weights])),
      dispose: () => optimizer.dispose(),
    };
  };
}

for (const lowering of ["javascript", "interpreter", "wasm"] as const) {
  Deno.test(`the ${lowering} lowering follows the reference`, async (t) => {
    for (const test of [...conformanceCases, ...heldCases, ...basisCases()]) {
      await t.step(test.name, () => checkConformance(test, subject(lowering)));
    }
  });

  Deno.test(`the ${lowering} lowering does with extreme gradients what the reference does`, async (t) => {
    for (const test of nonFiniteCases) {
      await t.step(test.name, () => checkNonFinite(test, subject(lowering)));
    }
  });
}
