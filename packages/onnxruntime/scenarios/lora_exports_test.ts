import { signalSgd } from "@precond/core";
import { addLora, loraLayers, mergeLora, readModel } from "@precond/onnx";
import { assertAllClose, random } from "@precond/testing";
import assert from "node:assert/strict";
import { Trainer } from "../mod.ts";
import { nodeOrt } from "./builds.ts";
import { bytesOf, exportedNetworks, feedOf } from "./torch_exports.ts";

/** Those that differ in their layers, and are quick. */
const NETWORKS = ["ae", "gpt_sdpa", "lenet", "mha", "mobile", "resnet", "swiglu", "unet"];

for (const network of exportedNetworks().filter(({ name }) => NETWORKS.includes(name))) {
  for (const [variant, file] of Object.entries(network.files)) {
    if (file.file === undefined) continue;
    const bytes = bytesOf(file);
    const names = loraLayers(readModel(bytes)).map(({ name }) => name);
    Deno.test(`Adapters in PyTorch's export of ${network.name}, ${variant}`, async () => {
      // Modules have names of PyTorch's, not those of an exporter's values.
      // (Of a head that shares its weight with the embedding one exporter leaves no name.)
      const unnamed = names.filter((name) => /^val_|::|^\/|_\d+$/.test(name));
      assert.ok(unnamed.every((name) => name === names.at(-1)), unnamed.join());
      const { loss } = network;
      const x = feedOf(network.batches[0]!.x);
      const adapted = addLora(readModel(bytes), { targets: names, rank: 3, alpha: 4 });
      const plain = await Trainer.create(nodeOrt, { model: bytes, loss });
      const trainer = await Trainer.create(nodeOrt, { model: adapted, loss }, {
        optimizer: signalSgd({ learningRate: 0.01 }),
        accumulate: 2, // of single examples not every network has squares
      });
      const output = async (of: Trainer) => (await of.predict({ x })).out!.data as Float32Array;
      const close = async (of: Trainer, expected: Float32Array) =>
        assertAllClose(await output(of), expected, {
          relative: 1e-4,
          absolute: 1e-5 * expected.reduce((most, v) => Math.max(most, Math.abs(v)), 0),
        });
      await close(trainer, await output(plain));
      const { normal } = random(3);
      for (const name of trainer.parameters) {
        const { length } = await trainer.parameter(name);
        trainer.setParameter(name, Float32Array.from({ length }, () => 0.1 * normal()));
      }
      for (let k = 0; k < 4; k++) {
        const { x, labels } = network.batches[k % network.batches.length]!;
        await trainer.step({ x: feedOf(x), labels: feedOf(labels) });
      }
      const model = mergeLora(readModel(await trainer.exportModel()));
      const merged = await Trainer.create(nodeOrt, { model, loss });
      await close(merged, await output(trainer));
      for (const t of [plain, trainer, merged]) await t.release();
    });
  }
}
