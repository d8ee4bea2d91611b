import assert from "node:assert/strict";
import { lossesOf } from "@precond/testing";

Deno.test("examples/core: SNR-only fits less of the noise than SGD", async () => {
  const found = await lossesOf(new URL("main.ts", import.meta.url));
  assert.deepEqual(found.map(([name]) => name), ["SGD", "SNR-only"]);
  const [sgd, snr] = found.map(([, loss]) => loss);
  // ln 2 = 0.693 is the loss of knowing nothing.
  assert.ok(snr! < sgd! && snr! < 0.693, `SGD ${sgd}, SNR-only ${snr}`);
});
