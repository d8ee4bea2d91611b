import assert from "node:assert/strict";
import { lossesOf } from "@precond/testing";

Deno.test("examples/onnxruntime-node: T makes the network fit less of the noise than AdamW", async () => {
  const found = await lossesOf(new URL("main.ts", import.meta.url));
  assert.deepEqual(found.map(([name]) => name), ["AdamW", "SNR"]);
  const [adamW, snr] = found.map(([, loss]) => loss);
  // ln 2 = 0.693 is the loss of knowing nothing.
  assert.ok(snr! < adamW! && snr! < 0.693, `AdamW ${adamW}, SNR ${snr}`);
});
