/** @module */
import * as core from "@precond/core";
import * as pieces from "@precond/core/pieces";
import assert from "node:assert/strict";

/** Checks that an adapter gives everything of core that people train with, under the same names. */
export function checkExports(all: Readonly<Record<string, unknown>>): void {
  const given: Readonly<Record<string, unknown>> = { ...core, ...pieces };
  const missing = Object.keys(given).filter((name) => !(name in all));
  assert.deepEqual(missing, []);
  for (const [name, value] of Object.entries(all)) {
    if (name in given) assert.equal(value, given[name], name);
  }
}
