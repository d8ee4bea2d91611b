/** @module */
import { createHash } from "node:crypto";
import { basename, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { constant } from "@precond/core/pieces";
import { gpuBackends } from "../gpu.ts";
import { methodNamed } from "../methods.ts";
import { chanceOf } from "./chance.ts";
import { pick, range } from "./digits.ts";
import { InputError } from "./input_error.ts";
import { type Learner, onnxBackends, type Training } from "./learner.ts";
import { type Data, networkProblem } from "./network.ts";
import type { Problem } from "./problem.ts";
import { yourData } from "./your_data.ts";
import { graphLearners } from "./your_graph.ts";
import { importModel, type YourModel } from "./your_model.ts";
import { tensorLearners } from "./your_tensors.ts";

type Learners = (backend: string, how: Training) => Promise<Learner>;

/** How many classes there are, by the largest id. */
function classesOf({ train, validation, test }: Required<Data>): number {
  let most = 1;
  for (const { y } of [train, validation, test]) for (const id of y) most = Math.max(most, id);
  return most + 1;
}

/** What makes learners of a module's model on any backend that it has a model for. */
function learnersOf(model: YourModel, data: Required<Data>, file: string): Learners {
  const { features, y, count } = data.train;
  const outputs = model.loss === "classification" ? classesOf(data) : y.length / count;
  const tensors = model.tfjs && tensorLearners(model, { features, outputs });
  const graphs = (model.onnx ?? model.artifacts) !== undefined &&
    graphLearners(model, pathToFileURL(resolve(file)));
  return (backend, how) => {
    const onnx = onnxBackends.includes(backend);
    const learners = onnx ? graphs : tensors;
    if (learners) return learners(backend, how);
    throw new InputError(
      `Cannot run "${file}" on ${backend}: it has no ${
        onnx
          ? "onnx model and no artifacts; use --backend wasm"
          : "tfjs model; use --backend onnxruntime"
      }`,
    );
  };
}

/**
 * A module's model as the problem `model`, after one step on each of the backends.
 *
 * @throws {InputError} If something of it does not fit.
 */
export async function modelProblem(
  file: string,
  { full, backends }: { readonly full: boolean; readonly backends: readonly string[] },
): Promise<Problem> {
  const model = await importModel(file);
  const data = yourData(model);
  const learners = learnersOf(model, data, file);
  const { batchSize = 16, steps = full ? 2000 : 200 } = model;
  // A GPU is started later.
  for (const backend of backends.filter((name) => !gpuBackends.includes(name))) {
    await tryOut(learners, backend, data, batchSize);
  }
  const hash = createHash("sha256");
  for (const { x, y } of [data.train, data.validation, data.test]) hash.update(x).update(y);
  hash.update(await Deno.readTextFile(file));
  const size = {
    train: data.train.count,
    validation: data.validation.count,
    test: data.test.count,
  };
  return networkProblem({
    name: "model",
    title: model.title ?? basename(file),
    about: `${size.train} examples to train, ${size.validation} to choose learning rates by, ` +
      `${size.test} to test; B = ${batchSize}, constant learning rate.`,
    set: "yours",
    noisyData: true,
    learner: learners,
    batchSize,
    steps,
    every: Math.ceil(steps / (full ? 40 : 10)),
    target: { metric: "testLoss", value: model.target ?? chanceOf(data.train, model.loss) / 2 },
    selections: ["bestValidation", "finalValidation"],
    rateScale: 1,
    schedule: "constant",
    more: { module: hash.digest("hex") },
    data: () => data,
  });
}

/** One step, so that what does not fit is said before anything is measured. */
async function tryOut(
  learners: Learners,
  backend: string,
  { train }: Required<Data>,
  batchSize: number,
): Promise<void> {
  const how = { method: methodNamed("snrOnly"), schedule: constant(0.01), seed: 0, batchSize };
  let learner: Learner | undefined;
  try {
    learner = await learners(backend, how);
    const batch = learner.upload(pick(train, range(0, Math.min(batchSize, train.count))));
    await learner.step(batch, 0);
    const { loss } = await learner.evaluate(batch);
    learner.drop(batch);
    if (!Number.isFinite(loss)) throw new InputError(`the loss after one step is ${loss}`);
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError(`Cannot train the model on ${backend}: ${(error as Error).message}`, {
      cause: error,
    });
  } finally {
    await learner?.dispose();
  }
}
