import assert from "node:assert/strict";
import { lossesOf } from "@precond/testing";

Deno.test("examples/onnxruntime-artifacts: code for the removed TrainingSession trains", async () => {
  const found = await lossesOf(new URL("main.ts", import.meta.url));
  assert.deepEqual(found.map(([name]) => name), ["before", "after"]);
  const [before, after] = found.map(([, loss]) => loss);
  // ln 3 = 1.099, since the weights start at zero.
  assert.ok(Math.abs(before! - 1.099) < 1e-3 && after! < 0.9, `${before}, then ${after}`);
});
