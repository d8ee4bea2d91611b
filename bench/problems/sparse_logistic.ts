/** @module */
import { random } from "../random.ts";
import type { Examples } from "./digits.ts";
import { multilayer } from "./layers.ts";
import { type Data, networkProblem } from "./network.ts";
import type { Problem } from "./problem.ts";

const features = 1000;
const relevant = 10;
const flipped = 0.1;

/** Gaussian features of which 10 decide the label, and 10 % of the labels flipped. */
export function sparseLogisticData(seed: number): Data {
  const draw = random("sparse-logistic", seed);
  const weights = new Float64Array(features);
  draw.permutation(features).slice(0, relevant).forEach((i) => {
    weights[i] = draw.uniform() < 0.5 ? -1 : 1;
  });
  const sample = (count: number): Examples => {
    const x = Float32Array.from({ length: count * features }, () => draw.normal());
    const y = Int32Array.from({ length: count }, (_, i) => {
      let logit = 0;
      for (let k = 0; k < features; k++) logit += weights[k]! * x[i * features + k]!;
      const label = logit > 0 ? 1 : 0;
      return draw.uniform() < flipped ? 1 - label : label;
    });
    return { count, features, x, y };
  };
  const train = sample(400);
  return { train, probe: train, validation: sample(400), test: sample(1000) };
}

const cache = new Map<number, Data>();

/** Fewer examples than features: what is learnt beyond the ten that matter is noise. */
export function sparseLogisticProblem(full: boolean): Problem {
  return networkProblem({
    name: "sparse-logistic",
    title: "Sparse-signal logistic regression",
    about: "400 examples, 1,000 features of which 10 matter, 10 % of the labels flipped (in the " +
      "test set too); constant learning rate. Chance is .693.",
    set: "practical",
    noisyData: true,
    network: multilayer([features, 1], "binary"),
    batchSize: 16,
    steps: full ? 2000 : 160,
    every: full ? 50 : 20,
    selections: ["bestValidation", "finalValidation"],
    schedule: "constant",
    rateScale: 1 / 16,
    data(seed) {
      const data = cache.get(seed) ?? sparseLogisticData(seed);
      cache.set(seed, data);
      return data;
    },
  });
}
