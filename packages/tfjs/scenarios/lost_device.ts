/**
 * That training goes on after its WebGPU device was lost, for Deno and for pages.
 *
 * @module
 */
import { assertAllClose } from "@precond/testing";
import * as tf from "@tensorflow/tfjs-core";
import * as layers from "@tensorflow/tfjs-layers";
import { evidenceLoss, type PrecondOptimizer } from "../mod.ts";
import { fit, prepare } from "./networks.ts";

/** What an update on a lost device must say. */
export const lostMessage: RegExp =
  /^Cannot update on webgpu: the device was lost .*no weights and no state on it can be read.*model\.save\(.*optimizer\.save\(.*new backend$/;

const task = ["mlp", "combined"] as const;

/** Ends the device of the active backend, as a driver's reset would. */
export async function loseDevice(): Promise<void> {
  const { device } = tf.backend() as unknown as { device: GPUDevice };
  device.destroy();
  await device.lost;
}

/** A fresh webgpu backend in place of the one that is lost. */
export async function restart(): Promise<void> {
  const factory = tf.findBackendFactory("webgpu") as () => Promise<tf.KernelBackend>;
  tf.removeBackend("webgpu");
  tf.registerBackend("webgpu", factory, 3);
  await tf.setBackend("webgpu");
}

async function artifactsOf(model: layers.LayersModel): Promise<tf.io.ModelArtifacts> {
  let artifacts: tf.io.ModelArtifacts | undefined;
  const keep = tf.io.withSaveHandler((given) => {
    artifacts = given;
    const modelArtifactsInfo = { dateSaved: new Date(), modelTopologyType: "JSON" as const };
    return Promise.resolve({ modelArtifactsInfo });
  });
  await model.save(keep, { includeOptimizer: true });
  return artifacts!;
}

/** What is said on a lost device. */
export interface LossMessages {
  /** By `optimizer.minimize()`. */
  readonly minimize: string;
  /** By `model.fit()`, which takes batches out of its data before it calls the optimizer. */
  readonly fit: string;
}

/**
 * Trains 10 steps, saves, trains 10 more, loses the device, and trains those 10 again from each kind
 * of saved state on a fresh backend: their losses must be the same.
 */
export async function resumeAfterLoss(): Promise<LossMessages> {
  const before = prepare(...task);
  await fit(before, 1);
  const artifacts = await artifactsOf(before.model);
  const bytes = await (before.model.optimizer as PrecondOptimizer).save();
  const weights = await Promise.all(
    before.model.getWeights().map(async (w) => ({ shape: w.shape, values: await w.data() })),
  );
  const expected = await fit(before, 1);

  await loseDevice();
  const messageOf = (f: () => Promise<unknown>) =>
    f().then(() => "nothing", (error: Error) => error.message);
  const messages = {
    minimize: await messageOf(async () =>
      await before.model.optimizer.minimize(() => tf.scalar(0))
    ),
    fit: await messageOf(() => fit(before, 1)),
  };
  await restart();

  const fresh = prepare(...task);
  const tensors = weights.map(({ shape, values }) => tf.tensor(values, shape));
  fresh.model.setWeights(tensors);
  (fresh.model.optimizer as PrecondOptimizer).load(bytes);
  assertAllClose(await fit(fresh, 1), expected, { relative: 1e-6 }, "losses from safetensors");

  const model = await layers.loadLayersModel(tf.io.fromMemory(artifacts)) as layers.Sequential;
  // A function loss is not stored with the model.
  model.compile({ optimizer: model.optimizer, loss: evidenceLoss("categoricalCrossentropy") });
  assertAllClose(
    await fit({ ...fresh, model }, 1),
    expected,
    { relative: 1e-6 },
    "from model.save",
  );
  model.optimizer.dispose();
  model.dispose();
  fresh.dispose();
  tf.dispose(tensors);
  return messages;
}
