import assert from "node:assert/strict";
import { lossesOf } from "@precond/testing";

Deno.test("examples/jax-js: SNR-only fits less of the noise than Adam", async () => {
  const found = await lossesOf(new URL("main.ts", import.meta.url));
  assert.deepEqual(found.map(([name]) => name), ["Adam", "SNR-only"]);
  const [adam, snr] = found.map(([, loss]) => loss);
  // ln 2 = 0.693 is the loss of knowing nothing.
  assert.ok(snr! < adam! && snr! < 0.693, `Adam ${adam}, SNR-only ${snr}`);
});
