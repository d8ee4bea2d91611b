import assert from "node:assert/strict";
import { conformanceCases, heldCases, testParameters, testSteps } from "@precond/testing";
import { createOptimizer } from "../mod.ts";
import { canGenerateCode } from "../backend.ts";

/** The weights after 8 steps of every conformance case, as the bits of their floats. */
function trained(): Record<string, number[]> {
  return Object.fromEntries(
    [...conformanceCases, ...heldCases].map(({ name, definition, plan }) => {
      const parameters = testParameters();
      const optimizer = createOptimizer(definition());
      for (const { evidence, ...options } of testSteps(8, plan)) {
        const given = Object.entries(evidence).map((
          [name, e],
        ) => [name, { ...e, ...parameters[name]! }]);
        optimizer.step(Object.fromEntries(given), options);
      }
      return [
        name,
        Object.values(parameters).flatMap(({ weights }) => [...new Uint32Array(weights.buffer)]),
      ];
    }),
  );
}

// Run again by the test below in a process where `new Function` throws.
if (import.meta.main && !canGenerateCode()) {
  console.log(JSON.stringify(trained()));
}

Deno.test("where code generation is forbidden training is the same, to the bit", async () => {
  assert.equal(canGenerateCode(), true);
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--allow-all",
      "--no-check",
      "--v8-flags=--disallow-code-generation-from-strings",
      import.meta.filename!,
    ],
  }).output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  const interpreted = JSON.parse(new TextDecoder().decode(stdout)); // empty if code could be made
  assert.deepEqual(interpreted, trained());
});
