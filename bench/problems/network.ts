/** @module */
import type { Schedule } from "@precond/core";
import type { Method } from "../methods.ts";
import { random } from "../random.ts";
import { record } from "./curve.ts";
import { type Examples, pick } from "./digits.ts";
import type { Network } from "./layers.ts";
import { createLearner } from "./learner.ts";
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
  readonly network: Network;
  readonly batchSize: number;
  readonly steps: number;
  /** Losses are measured every so many steps. */
  readonly every: number;
  readonly target: Target;
  readonly selections: readonly Selection[];
  readonly rateScale: number;
  /** To 0 over the run, or not at all. */
  readonly schedule: "linear" | "constant";
  /** Left out of the quick suite unless asked for by name. Default false. */
  readonly fullOnly?: boolean;
  data(seed: number): Data;
}

/** A network, trained on any backend. */
export function networkProblem(options: NetworkOptions): Problem {
  const { name, title, about, noisyData, batchSize, steps, target, selections } = options;
  const { network, every, schedule, rateScale, fullOnly = false } = options;
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
    fullOnly,
    details: { network: described(network), every, schedule },
    accepts: (method) => method.settings.includes("network"),
    run: (task) => train(options, task),
  };
}

/**
 * A network for fingerprints: without a loss that its outputs tell, as before there were others, so
 * that earlier rows stay comparable.
 */
function described({ input, layers, loss }: Network): object {
  return { input, layers, ...(["classification", "binary"].includes(loss) ? {} : { loss }) };
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
  const { network, steps, every, batchSize, target } = options;
  const data = options.data(seed);
  const schedule: Schedule = options.schedule === "linear"
    ? (n) => learningRate * (1 - n / steps)
    : () => learningRate;
  const learner = await createLearner(backend, { network, method, schedule, seed, batchSize });
  const probe = learner.upload(data.probe);
  const test = tuning ? undefined : learner.upload(data.test);
  const validation = data.validation && learner.upload(data.validation);
  const recorder = record(target);
  const order = batches(data.train.count, batchSize, seed);
  let seconds = 0;
  const look = async (step: number) => {
    const tested = test === undefined ? undefined : await learner.evaluate(test);
    const { loss: trainLoss } = await learner.evaluate(probe);
    recorder.see({
      step,
      trainLoss,
      ...(tested && { testLoss: tested.loss }),
      ...(tested?.accuracy !== undefined && { testAccuracy: tested.accuracy }),
      ...(validation ? { validationLoss: (await learner.evaluate(validation)).loss } : {}),
    }, seconds);
  };
  try {
    await look(0);
    for (let step = 0; step < steps && !recorder.diverged; step++) {
      const batch = learner.upload(pick(data.train, order.next().value));
      const start = performance.now();
      await learner.step(batch, step);
      const looks = (step + 1) % every === 0 || step + 1 === steps;
      // Until then a GPU may be behind: a wait after every step would slow it down.
      if (looks) await learner.settle();
      seconds += (performance.now() - start) / 1e3;
      learner.drop(batch);
      if (looks) {
        await look(step + 1);
        await breathe();
      }
    }
  } finally {
    for (const part of [probe, test, validation]) if (part) learner.drop(part);
    await learner.dispose();
  }
  return recorder.outcome((count) => examplesUsed(method, batchSize, count));
}
