/** How many names, and how many things in the root folder, somebody has to look through. */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import * as root from "../mod.ts";

Deno.test("the root exports at most 14 values, and none of its insides", () => {
  const names = Object.keys(root);
  assert.ok(names.length <= 14, `${names.length} values: ${names.join(", ")}`);
  assert.ok(!names.includes("openInPlace"));
});

Deno.test("the root folder has at most 14 entries", () => {
  const made = new Set(["dist", ".tsbuildinfo", "node_modules"]);
  const entries = readdirSync(new URL("..", import.meta.url)).filter((entry) => !made.has(entry));
  assert.ok(entries.length <= 14, `${entries.length} entries: ${entries.join(", ")}`);
});
