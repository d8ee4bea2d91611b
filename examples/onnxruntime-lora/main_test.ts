import assert from "node:assert/strict";
import { lossesOf } from "@precond/testing";

Deno.test("examples/onnxruntime-lora: an adapter learns what the model has never seen", async () => {
  const found = await lossesOf(new URL("main.ts", import.meta.url));
  assert.deepEqual(found.map(([name]) => name), ["before", "after"]);
  const [before, after] = found.map(([, loss]) => loss);
  // ln 96 = 4.56 is the loss of knowing nothing.
  assert.ok(after! < before! - 0.5, `before ${before}, after ${after}`);
});
