import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
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

Deno.test("The page on exporting says how the files were made that train as PyTorch does", () => {
  const page = readFileSync(
    fileURLToPath(new URL("../../../docs/export_for_training.md", import.meta.url)),
    "utf8",
  );
  const calls = [...page.matchAll(/torch\.onnx\.export\(([^`]*?)\)\n/g)].map(([, call]) => call!);
  assert.equal(calls.length, 3);
  // The second one is the first with names and a batch of any size.
  const [dynamo, named, older] = calls as [string, string, string];
  for (const call of [dynamo, named]) assert.match(call, /dynamo=True, optimize=False/);
  assert.match(older, /dynamo=False, do_constant_folding=False,\s+training=.*TRAINING/);
  for (const { name, files } of exportedNetworks()) {
    for (const [variant, file] of Object.entries(files)) {
      if (file.follows === undefined) continue; // the older exporter cannot export it
      const { dynamo: newer, optimize, training, do_constant_folding: folding } = file.export;
      const asSaid = newer ? optimize === false : training === "TRAINING" && folding === false;
      // What the page says keeps every parameter does.
      if (asSaid) assert.ok(file.one_to_one, `${name} ${variant}`);
    }
  }
});
