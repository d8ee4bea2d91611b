import assert from "node:assert/strict";
import { lossesOf } from "@precond/testing";

Deno.test("examples/tfjs: trains, saves, loads and trains on", async () => {
  const found = await lossesOf(new URL("main.ts", import.meta.url));
  assert.deepEqual(found.map(([name]) => name), [
    "tf.train.adam",
    "precond",
    "precond, loaded and trained on",
  ]);
  // ln 3 = 1.0986 is the loss of knowing nothing.
  for (const [name, loss] of found) assert.ok(loss < 1.0986, `${name}: ${loss}`);
});
