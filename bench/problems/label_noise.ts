/** @module */
import { random } from "../random.ts";
import { digits, type Examples, pick, range } from "./digits.ts";
import { multilayer } from "./layers.ts";
import { type Data, networkProblem } from "./network.ts";
import type { Problem } from "./problem.ts";

/** The share that `label-noise` has. */
const usual = 0.3;

/** Shares of random labels that are problems of their own, as `label-noise-20`. */
export const noiseShares: readonly number[] = [0, 0.1, 0.2, 0.4];

/** Replaces a share of the labels by ones drawn evenly from all classes. */
export function randomiseLabels(examples: Examples, share: number, seed: number): Examples {
  const draw = random("labels", seed);
  const y = examples.y.map((label) => draw.uniform() < share ? draw.integer(10) : label);
  return { ...examples, y };
}

/** Digits with labels of which a share is random, and as many to choose learning rates by. */
export function labelNoiseData(seed: number, full: boolean, share: number = usual): Data {
  const { train: all, test } = digits();
  const count = full ? 600 : 200;
  const order = random("label-noise", seed).permutation(all.count);
  const noisy = (from: number, stream: number) =>
    randomiseLabels(pick(all, order.subarray(from, from + count)), share, 2 * seed + stream);
  const train = noisy(0, 0);
  return {
    train,
    probe: train,
    test: full ? test : pick(test, range(0, 300)),
    validation: noisy(count, 1),
  };
}

/** A network large enough to learn wrong labels by heart. */
export function labelNoiseProblem(full: boolean, share: number = usual): Problem {
  const percent = Math.round(100 * share);
  return networkProblem({
    name: share === usual ? "label-noise" : `label-noise-${percent}`,
    title: `MLP on ${full ? 600 : 200} digits, ${percent} % random labels`,
    about: `784-${full ? 64 : 32}-10, constant learning rate; validation labels are as ` +
      "noisy as the training labels, test labels are right.",
    set: "practical",
    noisyData: true,
    network: multilayer([784, full ? 64 : 32, 10]),
    batchSize: 16,
    steps: full ? 2000 : 150,
    every: full ? 50 : 15,
    selections: ["bestValidation", "finalValidation"],
    rateScale: 0.5,
    schedule: "constant",
    fullOnly: share !== usual,
    data: (seed) => labelNoiseData(seed, full, share),
  });
}
