import assert from "node:assert/strict";
import ort from "onnxruntime-node";
import { casesOf, exportedNetworks, trainCase } from "./torch_exports.ts";

/** Those that are quick; tools/torch_exports.ts trains them all. */
const QUICK = ["gru", "mha", "mlp", "norms", "reg", "swiglu"];

Deno.test("Ten steps on networks that PyTorch exported give PyTorch's losses", async (t) => {
  for (const network of exportedNetworks().filter(({ name }) => QUICK.includes(name))) {
    for (const one of casesOf(network)) {
      await t.step(`${network.name} ${one.variant} ${one.mode}`, async () => {
        const { lossError, parameters, notes } = await trainCase(ort, one);
        assert.deepEqual(
          [...parameters].sort(),
          [...network.files[one.variant]!.trainable].sort(),
        );
        // A file that holds the module as it is has nothing to say.
        const fates = Object.values(network.files[one.variant]!.parameters).map((p) => p.as);
        const whole = one.variant === "legacy" || fates.every((as) => as === "own name");
        assert.equal(notes.length === 0, whole, notes.join("\n"));
        // In float32 PyTorch itself is within 2e-7; the rest is for another order of sums.
        assert.ok(lossError < 1e-5, `losses differ by ${lossError}`);
      });
    }
  }
});
