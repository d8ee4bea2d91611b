import assert from "node:assert/strict";
import { lossesOf } from "@precond/testing";

Deno.test("examples/onnxruntime-node: trains, and goes on from a file as if nothing had been", async () => {
  const found = await lossesOf(new URL("main.ts", import.meta.url));
  assert.deepEqual(found.map(([name]) => name), [
    "adamW(), rate 0.001",
    "adamW(), rate 0.003",
    "adamW(), rate 0.01",
    "adamW(), rate 0.03",
    "combined()",
    "combined(), trained on",
    "combined(), resumed",
  ]);
  // ln 2 = 0.693 is the loss of knowing nothing.
  for (const [name, loss] of found) assert.ok(loss < Math.LN2, `${name}: ${loss}`);
  // The same steps on the same batches.
  assert.equal(found[6]![1], found[5]![1]);
});
