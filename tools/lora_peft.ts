/**
 * Loads an adapter of PEFT's, trains one, and saves it for PEFT and for ONNX Runtime: the middle part of
 * tools/lora_peft.py, which says how. Outside CI, since PyTorch is large.
 *
 * @module
 */
import { adamW } from "@precond/core";
import { addLora, loraAdapters, loraInputs, readModel, writeModel } from "@precond/onnx";
import { type Feeds, Trainer } from "@precond/onnxruntime";
import { loadAdapterFolder, saveAdapterFolder } from "@precond/onnxruntime/node";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import ort from "onnxruntime-node";

const TOLERANCE = 1e-5;
const folder = process.argv[2]!;
const { ids, plain, adapted } = JSON.parse(await readFile(join(folder, "expected.json"), "utf8"));
const { r, lora_alpha, target_modules } = JSON.parse(
  await readFile(join(folder, "theirs", "adapter_config.json"), "utf8"),
);
const feeds: Feeds = {
  ids: { data: BigInt64Array.from(ids.flat(), BigInt), dims: [ids.length, ids[0].length] },
};

let right = true;
function compare(what: string, actual: readonly number[], expected: readonly number[]) {
  const most = Math.max(...expected.map(Math.abs));
  const error = Math.max(...expected.map((e, i) => Math.abs(e - actual[i]!))) / most;
  right &&= error <= TOLERANCE;
  console.log(`${what}: ${error.toExponential(1)} ${error <= TOLERANCE ? "" : "WRONG"}`);
}

for (const variant of ["dynamo", "plain", "legacy"]) {
  const model = readModel(new Uint8Array(await readFile(join(folder, `${variant}.onnx`))));
  const adaptedModel = addLora(model, { targets: target_modules, rank: r, alpha: lora_alpha });
  console.log(`${variant}: ${loraAdapters(adaptedModel).map(({ name }) => name).join(", ")}`);
  const trainer = await Trainer.create(
    ort,
    { model: adaptedModel, loss: { type: "crossEntropy" } },
    {
      optimizer: adamW({ learningRate: 0.02 }),
    },
  );
  const logits = async () => [...(await trainer.predict(feeds)).logits!.data as Float32Array];
  compare(`${variant}: before`, await logits(), plain);
  await loadAdapterFolder(trainer, join(folder, "theirs"));
  compare(`${variant}: with PEFT's adapter`, await logits(), adapted);
  const labels = {
    data: BigInt64Array.from(ids, (_: unknown, k: number) => BigInt(k % 5)),
    dims: [ids.length],
  };
  for (let k = 0; k < 20; k++) await trainer.step({ ...feeds, labels });
  const own = join(folder, "ours", variant);
  await saveAdapterFolder(trainer, own);
  await saveAdapterFolder(trainer, own, { format: "onnx" });
  await writeFile(join(own, "inputs.onnx"), writeModel(loraInputs(adaptedModel)));
  await writeFile(join(own, "logits.json"), JSON.stringify(await logits()));
  await trainer.release();
}
process.exitCode = right ? 0 : 1;
