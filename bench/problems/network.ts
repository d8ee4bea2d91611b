/** @module */
import type { Schedule } from "@precond/core";
import type { Method } from "../methods.ts";
import { random } from "../random.ts";
import { lengthOf } from "./curve.ts";
import { type Examples, pick } from "./digits.ts";
import type { Network } from "./layers.ts";
import { createLearner, type Learner, type Training } from "./learner.ts";
import { observe, type Observed } from "./observer.ts";
import { noiseOf } from "./placement.ts";
import type { Outcome, Problem, ProblemSet, Selection, Target, Task } from "./problem.ts";
import { requireTarget, withTarget } from "./targets.ts";
import type { Weights } from "./weights.ts";

/** The data of one seed. */
export interface Data extends Observed {
  readonly train: Examples;
}

/** What a network problem is, however it is trained. */
export interface NetworkProblem {
  readonly name: string;
  readonly title: string;
  readonly about: string;
  /** Default "standard". */
  readonly set?: ProblemSet;
  readonly noisyData: boolean;
  readonly batchSize: number;
  readonly steps: number;
  /** Losses are measured every so many steps. */
  readonly every: number;
  /** Default: that of `targets.json`, fixed in advance. */
  readonly target?: Target;
  readonly selections: readonly Selection[];
  readonly rateScale: number;
  /** To 0 over the run, or not at all. */
  readonly schedule: "linear" | "constant";
  /** Left out of the quick suite unless asked for by name. Default false. */
  readonly fullOnly?: boolean;
  /** None where something else is trained. */
  readonly network?: Network;
  /** Whether its first reporting run also records T of the layers, which changes no other number. */
  readonly watched?: boolean;
  /** Whatever else its numbers depend on. */
  readonly more?: Readonly<Record<string, unknown>>;
}

/** A network of ours, or whatever a function makes a learner of. */
type Trained =
  | {
    readonly network: Network;
    /** Trained weights to start from; default: drawn from the seed. */
    start?(seed: number, backend: string): Promise<Weights>;
  }
  | { learner(backend: string, how: Training): Promise<Learner> };

/** What makes one network problem. */
export type NetworkOptions = NetworkProblem & Trained & { data(seed: number): Data };

/** A problem of a network that `run` trains. */
export function problemOf(
  options: NetworkProblem & { readonly target: Target },
  run: Problem["run"],
): Problem {
  const { name, title, about, noisyData, batchSize, steps, selections, target } = options;
  const { network, every, schedule, rateScale, set = "standard", fullOnly = false } = options;
  return {
    name,
    title,
    about,
    kind: "network",
    set,
    noisyData,
    batchSize,
    steps,
    target,
    selections,
    rateScale,
    seconds: steps / 1000,
    fullOnly,
    details: { ...(network && { network: described(network) }), every, schedule, ...options.more },
    // The variational loss is no likelihood of labels that could be drawn, as sampled curvature does.
    accepts: (method) =>
      method.settings.includes("network") &&
      (network?.loss !== "variational" || method.definition(1, "network").curvature === undefined),
    run(task) {
      if (!task.tuning) requireTarget(name, target);
      return run(task);
    },
  };
}

/**
 * A network for fingerprints: without a loss that its outputs tell, as before there were others, so
 * that earlier rows stay comparable.
 */
function described({ input, layers, loss }: Network): object {
  return { input, layers, ...(["classification", "binary"].includes(loss) ? {} : { loss }) };
}

/** A network, trained on any backend, at any batch size. */
export function networkProblem(options: NetworkOptions): Problem {
  const fixed = withTarget(options);
  return {
    ...problemOf(fixed, (task) => train(fixed, task)),
    atBatch(batchSize) {
      // With the target of the usual size.
      const other = atBatch(fixed, batchSize);
      return other && networkProblem(other);
    },
  };
}

/** Fewer steps than these compare nothing. */
const fewestSteps = 5;

/**
 * As many examples in batches of another size. Rates are tried around √(size) times the usual ones, for
 * all methods alike: half-way, in the logarithm, between one that follows the size and one that does
 * not depend on it.
 */
function atBatch(options: NetworkOptions, batchSize: number): NetworkOptions | undefined {
  const times = batchSize / options.batchSize;
  const steps = Math.round(options.steps / times);
  if (steps < fewestSteps) return undefined;
  return {
    ...options,
    batchSize,
    steps,
    every: Math.max(1, Math.round(options.every / times)),
    rateScale: options.rateScale * Math.sqrt(times),
  };
}

/** The learning rate at every step of a run. */
export function scheduleOf(
  { schedule, steps }: Pick<NetworkProblem, "schedule" | "steps">,
  learningRate: number,
): Schedule {
  return schedule === "linear" ? (n) => learningRate * (1 - n / steps) : () => learningRate;
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
export function examplesUsed(method: Method, batchSize: number, steps: number): number {
  const every = method.host ? undefined : method.definition(1, "network").curvature?.every;
  return batchSize * (steps + (every ? Math.ceil(steps / every) : 0));
}

/** One step on these examples; returns its seconds, in which they are not brought or dropped. */
export async function stepOn(
  learner: Learner,
  examples: Examples,
  { step, settles }: { readonly step: number; readonly settles: boolean },
): Promise<number> {
  const batch = learner.upload(examples);
  const start = performance.now();
  await learner.step(batch, step);
  // Until then a GPU may be behind: a wait after every step would slow it down.
  if (settles) await learner.settle();
  const seconds = (performance.now() - start) / 1e3;
  learner.drop(batch);
  return seconds;
}

/** Gives examples so many numbers of noise each, for all libraries the same. */
function noisy(width: number, ...seed: (string | number)[]): (examples: Examples) => Examples {
  if (width === 0) return (examples) => examples;
  const draw = random("noise", ...seed);
  return (examples) => ({
    ...examples,
    noise: Float32Array.from({ length: examples.count * width }, () => draw.normal()),
  });
}

async function train(options: NetworkOptions & { target: Target }, task: Task): Promise<Outcome> {
  const { method, learningRate, seed, backend, tuning, breathe } = task;
  const { network, batchSize, target } = options;
  const { steps, every } = lengthOf(options, task.steps);
  const { train, probe, test, validation } = options.data(seed);
  const width = network ? noiseOf(network) : 0;
  const ready = noisy(width, "observed", seed);
  const observed = {
    probe: ready(probe),
    test: ready(test),
    ...(validation && { validation: ready(validation) }),
  };
  const prepare = noisy(width, "trained", seed);
  const how = { method, schedule: scheduleOf(options, learningRate), seed, batchSize };
  const learner = "learner" in options ? await options.learner(backend, how) : await createLearner(
    backend,
    { ...how, network: options.network, weights: await options.start?.(seed, backend) },
  );
  // One run: a look at T takes time, too.
  const signals = options.watched && !tuning && seed === 1 ? learner.watch?.(every) : undefined;
  const { recorder, look, drop } = observe(learner, observed, { target, tuning, signals });
  const order = batches(train.count, batchSize, seed);
  let seconds = 0;
  try {
    await look(0, seconds);
    for (let step = 0; step < steps && !recorder.diverged; step++) {
      const examples = prepare(pick(train, order.next().value));
      const looks = (step + 1) % every === 0 || step + 1 === steps;
      seconds += await stepOn(learner, examples, { step, settles: looks });
      if (looks) {
        await look(step + 1, seconds);
        await breathe();
      }
    }
  } finally {
    drop();
    await learner.dispose();
  }
  return recorder.outcome((count) => examplesUsed(method, batchSize, count));
}
