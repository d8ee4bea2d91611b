/** How many names somebody who trains has to look through. */
import assert from "node:assert/strict";
import * as aliases from "./aliases/mod.ts";
import * as pieces from "./pieces.ts";
import * as root from "./mod.ts";

Deno.test("the root exports at most 45 values", () => {
  const names = Object.keys(root);
  assert.ok(names.length <= 45, `${names.length} values: ${names.join(", ")}`);
});

Deno.test("every piece of the root is among the pieces", () => {
  const others = {
    ...aliases,
    advise: 0,
    combineReplicas: 0,
    createOptimizer: 0,
    mergeStates: 0,
  };
  const given = Object.entries(root).filter(([name]) => !(name in others));
  assert.ok(given.length > 0);
  for (const [name, value] of given) {
    assert.equal((pieces as Record<string, unknown>)[name], value, name);
  }
});
