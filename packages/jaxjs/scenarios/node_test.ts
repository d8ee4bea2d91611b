// wasm in Node.js, over the built core.
import { conformanceCases, heldCases } from "@precond/testing";
import { runInNode } from "@precond/testing/node";
import assert from "node:assert/strict";
import type { NodeReport } from "./in_node.ts";

Deno.test("updates on wasm in Node.js follow the reference in fused kernels", async () => {
  // A conformance case that fails throws in there, with its name.
  const stdout = await runInNode(new URL("./in_node.ts", import.meta.url));
  const report: NodeReport = JSON.parse(stdout.trim().split("\n").at(-1)!);
  assert.match(report.node, /^v\d+\./);
  assert.deepEqual(report.passed, [...conformanceCases, ...heldCases].map(({ name }) => name));
  assert.deepEqual(report.warnings, []);
});
