/**
 * That saved training goes on as it would have, for pages.
 *
 * @module
 */
import { assertAllClose } from "@precond/testing";
import * as tf from "@tensorflow/tfjs-core";
import * as layers from "@tensorflow/tfjs-layers";
import { evidenceLoss, type PrecondOptimizer } from "../mod.ts";
import { fit, prepare } from "./networks.ts";

/** Through model.save() to IndexedDB: 10 steps after loading are the 10 steps without. */
export async function resumeModel(): Promise<void> {
  const prepared = prepare("mlp", "combined");
  await fit(prepared, 1);
  const url = "indexeddb://precond-resume";
  await prepared.model.save(url, { includeOptimizer: true });
  const model = await layers.loadLayersModel(url) as layers.Sequential;
  await tf.io.removeModel(url);
  // A function loss is not stored with the model.
  model.compile({ optimizer: model.optimizer, loss: evidenceLoss("categoricalCrossentropy") });
  const losses = await fit({ ...prepared, model }, 1);
  assertAllClose(losses, await fit(prepared, 1), { relative: 1e-6 }, "losses after loading");
  model.optimizer.dispose();
  model.dispose();
  prepared.dispose();
}

/** Through a safetensors file, likewise. */
export async function resumeFile(): Promise<void> {
  const [one, two] = [prepare("mlp", "combined"), prepare("mlp", "combined")];
  await fit(one, 1);
  const bytes = await (one.model.optimizer as PrecondOptimizer).save();
  two.model.setWeights(one.model.getWeights());
  (two.model.optimizer as PrecondOptimizer).load(bytes);
  const losses = await fit(two, 1);
  assertAllClose(losses, await fit(one, 1), { relative: 1e-6 }, "losses after loading");
  one.dispose();
  two.dispose();
}
