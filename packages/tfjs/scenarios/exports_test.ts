import * as core from "@precond/core";
import assert from "node:assert/strict";
import * as all from "../mod.ts";

Deno.test("@precond/tfjs gives everything of core that people train with, under the same names", () => {
  // State of a driver, which no user has: optimizer.save() and load() are for them.
  const own = new Set(["loadState", "saveState"]);
  const missing = Object.keys(core).filter((name) => !own.has(name) && !(name in all));
  assert.deepEqual(missing, []);
  for (const [name, value] of Object.entries(all)) {
    if (name in core) assert.equal(value, (core as Record<string, unknown>)[name], name);
  }
});
