import assert from "node:assert/strict";
import { lossesOf } from "@precond/testing";

Deno.test("examples/tfjs-fit: the two changed lines train the model, beside adam with four rates", async () => {
  const found = await lossesOf(new URL("main.ts", import.meta.url));
  assert.deepEqual(found.map(([name]) => name), [
    '"adam"',
    "tf.train.adam(0.003)",
    "tf.train.adam(0.01)",
    "tf.train.adam(0.03)",
    "precond(combined())",
  ]);
  // ln 10 = 2.303 is the loss of knowing nothing.
  for (const [name, loss] of found) assert.ok(loss < Math.log(10), `${name}: ${loss}`);
});
