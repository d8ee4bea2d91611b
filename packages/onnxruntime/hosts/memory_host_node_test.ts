// What is built, in Node.js.
import { runInNode } from "@precond/testing/node";
import assert from "node:assert/strict";

Deno.test("Node.js 20, which has no ArrayBuffer.transfer(), frees results too, and exits", async () => {
  const printed = await runInNode(new URL("../scenarios/freed_results.ts", import.meta.url));
  assert.equal(printed, "65536 bytes, freed: true\n");
});
