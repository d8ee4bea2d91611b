/** @module */
import { constant } from "@precond/core/pieces";
import { methodNamed } from "../methods.ts";
import { random } from "../random.ts";
import { digits, type Examples, pick } from "./digits.ts";
import { multilayer } from "./layers.ts";
import { createLearner } from "./learner.ts";
import { batches, type Data, networkProblem, stepOn } from "./network.ts";
import type { Problem } from "./problem.ts";
import { flatten, placeWeights, type Weights } from "./weights.ts";

/** Examples of each new class to train on, and as many to choose learning rates by. */
const shots = 10;
const classes = 5;

/** Positions of the digits 0 to 4 (`half` 0) or 5 to 9 (`half` 1). */
function positionsOf({ y }: Examples, half: 0 | 1): number[] {
  return Array.from(y.keys()).filter((i) => Math.floor(y[i]! / classes) === half);
}

/** Digits of one half, their classes counted from 0. */
function halfOf(examples: Examples, positions: ArrayLike<number>): Examples {
  const picked = pick(examples, positions);
  return { ...picked, y: picked.y.map((label) => label % classes) };
}

/** The digits 0 to 4 that a network knows before it meets its user. */
export function knownDigits(): Examples {
  const { train } = digits();
  return halfOf(train, positionsOf(train, 0));
}

/** Ten examples each of the digits 5 to 9, ten more each to validate with, and those of the test set. */
export function fewShotData(seed: number, full: boolean): Data {
  const { train: all, test } = digits();
  const own = positionsOf(all, 1);
  const order = random("few-shot", seed).permutation(own.length);
  const found = Array.from({ length: classes }, (): number[] => []);
  for (const i of order) found[all.y[own[i]!]! - classes]!.push(own[i]!);
  const shotsFrom = (from: number) =>
    halfOf(all, found.flatMap((positions) => positions.slice(from, from + shots)));
  const train = shotsFrom(0);
  const tested = positionsOf(test, 1);
  return {
    train,
    probe: train,
    validation: shotsFrom(shots),
    test: halfOf(test, full ? tested : tested.slice(0, 300)),
  };
}

/** How a network is brought up: the same for all methods. */
interface Upbringing {
  readonly hidden: number;
  readonly steps: number;
}

const trained = new Map<string, Promise<Weights>>();

/**
 * Weights of a network that has learnt the digits 0 to 4 by the host's Adam, with a last layer drawn
 * anew for the digits to come. Trained once a seed, size and backend.
 */
export function pretrained(
  backend: string,
  seed: number,
  { hidden, steps }: Upbringing,
): Promise<Weights> {
  const key = [backend, seed, hidden, steps].join("/");
  const found = trained.get(key) ?? pretrain(backend, seed, { hidden, steps });
  trained.set(key, found);
  return found;
}

async function pretrain(
  backend: string,
  seed: number,
  { hidden, steps }: Upbringing,
): Promise<Weights> {
  const known = knownDigits();
  const batchSize = 32;
  const start = { network: multilayer([known.features, hidden, classes]), seed };
  const method = methodNamed("adam");
  const schedule = constant(0.002);
  const learner = await createLearner(backend, { ...start, method, schedule, batchSize });
  try {
    const order = batches(known.count, batchSize, seed);
    for (let step = 0; step < steps; step++) {
      await stepOn(learner, pick(known, order.next().value), { step, settles: false });
    }
    return [...(await learner.weights()).slice(0, -2), ...flatten(placeWeights(start)).slice(-2)];
  } finally {
    await learner.dispose();
  }
}

/** A network that knows five digits learns five others from a few examples of its user. */
export function fewShotProblem(full: boolean): Problem {
  const upbringing = full ? { hidden: 128, steps: 1000 } : { hidden: 32, steps: 200 };
  return networkProblem({
    name: "few-shot",
    title: `Few-shot personalisation, ${classes * shots} digits`,
    about:
      `784-${upbringing.hidden}-${classes}, pre-trained on the digits 0 to 4 with the host's ` +
      `Adam, learns 5 to 9 from ${shots} examples each with a new last layer; all weights are ` +
      "trained, B = 10, constant learning rate.",
    set: "practical",
    noisyData: true,
    network: multilayer([784, upbringing.hidden, classes]),
    batchSize: 10,
    steps: full ? 300 : 100,
    every: 10,
    selections: ["bestValidation", "finalValidation"],
    rateScale: 0.5,
    schedule: "constant",
    fullOnly: true,
    more: { upbringing },
    data: (seed) => fewShotData(seed, full),
    start: (seed, backend) => pretrained(backend, seed, upbringing),
  });
}
