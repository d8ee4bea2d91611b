/** @module */
import { type Feeds, type Ort, Trainer, type TrainerSource } from "@precond/onnxruntime";
import { onnxGpu } from "../gpu.ts";
import type { Examples } from "./digits.ts";
import { evaluation } from "./evaluation.ts";
import { outputsOf } from "./layers.ts";
import {
  addBackend,
  type Learner,
  type LearnerOptions,
  onnxBackends,
  type Training,
} from "./learner.ts";
import { feedsOf, onnxModel, onnxParameters } from "./onnx_model.ts";
import { watchSignals } from "./signal.ts";

/** Adds the backends of ONNX Runtime. */
export function addOnnxBackends(): void {
  for (const backend of onnxBackends) addBackend(backend, onnxLearner);
}

async function onnxLearner(backend: string, options: LearnerOptions): Promise<Learner> {
  const { network } = options;
  const parameters = onnxParameters(options);
  const trainer = await trainerOn(backend, onnxModel(options), {
    ...options,
    trainable: parameters.map(({ name }) => name),
  });
  const outputs = outputsOf(network);
  const learner: Learner<{ readonly feeds: Feeds; readonly targets: Examples["y"] }> = {
    upload: (examples) => ({ feeds: feedsOf(examples, network), targets: examples.y }),
    async step({ feeds }) {
      await trainer.step(feeds, { readLoss: false, batchSize: rowsOf(feeds) });
    },
    settle: () => settled(backend, trainer),
    async evaluate({ feeds, targets }) {
      if (network.loss === "variational") return { loss: (await trainer.evaluate(feeds)).loss };
      const [values] = Object.values(await trainer.predict({ x: feeds["x"]! }));
      return evaluation(network.loss, values!.data as Float32Array, targets, outputs);
    },
    weights: () =>
      Promise.all(parameters.map(async ({ name, read }) => read(await trainer.parameter(name)))),
    setWeights(weights) {
      parameters.forEach(({ name, write }, i) => trainer.setParameter(name, write(weights[i]!)));
    },
    watch: (every) =>
      watchSignals(trainer, every, parameters.map(({ name, dims }) => [name, name, dims])),
    drop() {},
    dispose: () => trainer.release(),
  };
  return learner as Learner;
}

/** Rows that the loss is a mean of: as in tfjs, the positions of sequences. */
function rowsOf({ x, labels }: Feeds): number {
  const { dims, data } = labels ?? x!;
  return data instanceof BigInt64Array ? data.length : dims[0]!;
}

/** Waits for a GPU: a parameter that has been read has been computed. */
export async function settled(backend: string, trainer: Trainer): Promise<void> {
  if (backend === onnxGpu) await trainer.parameter(trainer.parameters.at(-1)!);
}

/** A trainer of a model on a backend of ONNX Runtime. */
export async function trainerOn(
  backend: string,
  source: TrainerSource,
  { method, schedule, seed, trainable }: Training & { readonly trainable?: readonly string[] },
): Promise<Trainer> {
  const { build, executionProviders } = await buildFor(backend);
  return await Trainer.create(build, source, {
    optimizer: method.definition(schedule, "network"),
    executionProviders,
    // Runs happen side by side, one on each core.
    sessionOptions: { intraOpNumThreads: 1, interOpNumThreads: 1 },
    seed,
    ...(trainable && { trainable }),
  });
}

/** The build of ONNX Runtime of a backend, and what it computes with. */
async function buildFor(
  backend: string,
): Promise<{ readonly build: Ort; readonly executionProviders: string[] }> {
  if (backend === "onnxruntime") {
    return {
      build: await import("onnxruntime-node") as unknown as Ort,
      executionProviders: ["cpu"],
    };
  }
  if (backend === onnxGpu) {
    const build = await import("onnxruntime-web/webgpu");
    build.env.wasm.numThreads = 1;
    return { build: build as unknown as Ort, executionProviders: ["webgpu"] };
  }
  const build = await import("onnxruntime-web");
  // As with tfjs's wasm backend: one thread.
  build.env.wasm.numThreads = 1;
  return { build: build as unknown as Ort, executionProviders: ["wasm"] };
}
