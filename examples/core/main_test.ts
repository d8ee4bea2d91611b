import assert from "node:assert/strict";
import { lossesOf } from "@precond/testing";

Deno.test("examples/core: signalSgd() as it is learns what SGD at a usual rate loses to noise", async () => {
  const found = await lossesOf(new URL("main.ts", import.meta.url));
  assert.deepEqual(found.map(([name]) => name), [
    "sgd(), rate 0.1",
    "sgd(), rate 0.01",
    "sgd(), rate 0.001",
    "sgd(), rate 0.0001",
    "signalSgd()",
  ]);
  const [fast, , , slow, ours] = found.map(([, loss]) => loss);
  // ln 2 = 0.693 is the loss of knowing nothing. More features than examples: what is fitted to the
  // end has fitted the wrong labels too, and is sure of them. A rate of 0.0001 has hardly moved.
  assert.ok(ours! < Math.LN2 && slow! < Math.LN2 && fast! > Math.LN2, String(found));
});
