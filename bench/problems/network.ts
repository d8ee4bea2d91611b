/** @module */
import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import "@tensorflow/tfjs-layers"; // registers the gradients
import * as tf from "@tensorflow/tfjs-core";
import { precond, type Schedule } from "@precond/tfjs";
import { finished, gpuBackends } from "../gpu.ts";
import type { Method } from "../methods.ts";
import { random } from "../random.ts";
import { record } from "./curve.ts";
import { type Examples, pick } from "./digits.ts";
import { dense, evaluateAsync, upload } from "./model.ts";
import type { Outcome, Problem, Selection, Target, Task } from "./problem.ts";

/** The data of one seed. */
export interface Data {
  readonly train: Examples;
  /** Where the training loss is measured; a part of `train` or all of it. */
  readonly probe: Examples;
  readonly test: Examples;
  /** Chooses learning rates; never part of the other three. */
  readonly validation?: Examples;
}

/** What makes one network problem. */
export interface NetworkOptions {
  readonly name: string;
  readonly title: string;
  readonly about: string;
  readonly noisyData: boolean;
  /** Layer widths, input and output included. */
  readonly sizes: readonly number[];
  readonly batchSize: number;
  readonly steps: number;
  /** Losses are measured every so many steps. */
  readonly every: number;
  readonly target: Target;
  readonly selections: readonly Selection[];
  readonly rateScale: number;
  /** To 0 over the run, or not at all. */
  readonly schedule: "linear" | "constant";
  data(seed: number): Data;
}

/** A network trained through tfjs. */
export function network(options: NetworkOptions): Problem {
  const { name, title, about, noisyData, batchSize, steps, target, selections } = options;
  const { sizes, every, schedule, rateScale } = options;
  return {
    name,
    title,
    about,
    kind: "network",
    noisyData,
    batchSize,
    steps,
    target,
    selections,
    rateScale,
    seconds: steps / 1000,
    details: { sizes, every, schedule },
    accepts: (method) => method.settings.includes("network"),
    run: (task) => train(options, task),
  };
}

/** What a training loop needs of an optimizer, ours or the host's. */
interface Stepper {
  minimize(f: () => tf.Scalar, returnCost: boolean, variables: tf.Variable[]): unknown;
  dispose(): void;
}

function stepper(
  method: Method,
  schedule: Schedule,
  seed: number,
  batchSize: number,
): { optimizer: Stepper; before(step: number): void } {
  if (method.host === "adam") {
    const adam = tf.train.adam(schedule(0), 0.9, 0.999, 1e-7);
    // The host has no schedules; its rate is a plain field that every step reads.
    const rate = adam as unknown as { learningRate: number };
    return { optimizer: adam, before: (step) => rate.learningRate = schedule(step) };
  }
  const optimizer = precond(method.definition(schedule, "network"), { seed, batchSize });
  return { optimizer, before: () => {} };
}

/** Batches in random order, epoch after epoch; a last short batch joins the next epoch. */
export function* batches(count: number, size: number, seed: number): Generator<Int32Array> {
  const draw = random("batches", seed);
  const queue: number[] = [];
  for (;;) {
    while (queue.length < size) queue.push(...draw.permutation(count));
    yield Int32Array.from(queue.splice(0, size));
  }
}

/** Examples that `steps` steps have used: curvature samples pass over their batch once more. */
function examplesUsed(method: Method, batchSize: number, steps: number): number {
  const every = method.host ? undefined : method.definition(1, "network").curvature?.every;
  return batchSize * (steps + (every ? Math.ceil(steps / every) : 0));
}

async function train(options: NetworkOptions, task: Task): Promise<Outcome> {
  const { method, learningRate, seed, backend, tuning, breathe } = task;
  const { sizes, steps, every, batchSize, target } = options;
  if (tf.getBackend() !== backend) await tf.setBackend(backend);
  await tf.ready();
  const data = options.data(seed);
  const outputs = sizes.at(-1)!;
  const model = dense(sizes, seed);
  const probe = upload(data.probe, outputs);
  const test = tuning ? undefined : upload(data.test, outputs);
  const validation = data.validation && upload(data.validation, outputs);
  const schedule: Schedule = options.schedule === "linear"
    ? (n) => learningRate * (1 - n / steps)
    : () => learningRate;
  const { optimizer, before } = stepper(method, schedule, seed, batchSize);
  const recorder = record(target);
  const order = batches(data.train.count, batchSize, seed);
  let seconds = 0;
  const look = async (step: number) => {
    const tested = test && await evaluateAsync(model, test);
    const { loss: trainLoss } = await evaluateAsync(model, probe);
    recorder.see({
      step,
      trainLoss,
      ...(tested ? { testLoss: tested.loss, testAccuracy: tested.accuracy } : {}),
      ...(validation ? { validationLoss: (await evaluateAsync(model, validation)).loss } : {}),
    }, seconds);
  };
  try {
    await look(0);
    for (let step = 0; step < steps && !recorder.diverged; step++) {
      const batch = upload(pick(data.train, order.next().value), outputs);
      before(step);
      const start = performance.now();
      optimizer.minimize(model.loss(batch), false, model.variables);
      const looks = (step + 1) % every === 0 || step + 1 === steps;
      // Until then a GPU may be behind: a wait after every step would slow it down.
      if (looks && gpuBackends.includes(backend)) await finished(model.variables.at(-1)!);
      seconds += (performance.now() - start) / 1e3;
      tf.dispose([batch.x, batch.y]);
      if (looks) {
        await look(step + 1);
        await breathe();
      }
    }
  } finally {
    optimizer.dispose();
    model.dispose();
    for (const part of [probe, test, validation]) if (part) tf.dispose([part.x, part.y]);
  }
  return recorder.outcome((count) => examplesUsed(method, batchSize, count));
}
