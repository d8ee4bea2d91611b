import assert from "node:assert/strict";
import { lossesOf } from "@precond/testing";

Deno.test("examples/tfjs: trains, saves, loads and trains on as if nothing had been", async () => {
  const found = await lossesOf(new URL("main.ts", import.meta.url));
  assert.deepEqual(found.map(([name]) => name), [
    "tf.train.adam(0.001)",
    "tf.train.adam(0.003)",
    "tf.train.adam(0.01)",
    "tf.train.adam(0.03)",
    "precond(snrOnly())",
    "precond(snrOnly()), trained on",
    "precond(snrOnly()), loaded, trained on",
  ]);
  // ln 3 = 1.0986 is the loss of knowing nothing.
  for (const [name, loss] of found) assert.ok(loss < Math.log(3), `${name}: ${loss}`);
  // The same steps on the same batches; a state that is lost would start a new warm-up.
  assert.equal(found[6]![1], found[5]![1]);
});
