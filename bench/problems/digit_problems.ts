/** @module */
import { random } from "../random.ts";
import { digits, type Examples, pick, range } from "./digits.ts";
import { multilayer } from "./layers.ts";
import { type Data, type NetworkOptions, networkProblem } from "./network.ts";
import type { Problem } from "./problem.ts";

/** Replaces a share of the labels by ones drawn evenly from all classes. */
export function randomiseLabels(examples: Examples, share: number, seed: number): Examples {
  const draw = random("labels", seed);
  const y = examples.y.map((label) => draw.uniform() < share ? draw.integer(10) : label);
  return { ...examples, y };
}

function clean(full: boolean): Data {
  const { train, test } = digits();
  return {
    train,
    probe: pick(train, range(0, full ? 2000 : 250)),
    test: full ? test : pick(test, range(0, 300)),
  };
}

/** What a network on clean digits does not share with the others. */
type OnDigits =
  & Pick<NetworkOptions, "name" | "title" | "network" | "rateScale" | "fullOnly">
  & {
    /** What stands between the data and the batch size in the report. */
    readonly shape?: string;
    /** Steps in the quick suite; default 80. */
    readonly steps?: number;
    /** The training loss to reach. */
    readonly target: number;
  };

function onDigits(full: boolean, { shape = "", steps = 80, target, ...own }: OnDigits): Problem {
  return networkProblem({
    ...own,
    about:
      `MNIST, 10k subset: 8,000 digits to train, 2,000 to test; ${shape}B = 16, the learning rate ` +
      "falls linearly to 0.",
    noisyData: false,
    batchSize: 16,
    steps: full ? 1500 : steps,
    every: full ? 50 : 10,
    target: { metric: "trainLoss", value: target },
    selections: ["finalTrainLoss"],
    schedule: "linear",
    data: () => clean(full),
  });
}

/** Softmax regression on the digits. */
export function softmaxProblem(full: boolean): Problem {
  return onDigits(full, {
    name: "softmax",
    title: "Softmax regression, digits",
    shape: "784-10, ",
    network: multilayer([784, 10]),
    target: full ? 0.3 : 0.6,
    rateScale: 2,
  });
}

/** A multi-layer perceptron on the digits. */
export function mlpProblem(full: boolean): Problem {
  const hidden = full ? 128 : 32;
  return onDigits(full, {
    name: "mlp",
    title: `MLP 784-${hidden}-10, digits`,
    network: multilayer([784, hidden, 10]),
    target: full ? 0.1 : 0.6,
    rateScale: 1,
  });
}

/** Two convolutions and a dense layer on the digits. */
export function cnnProblem(full: boolean): Problem {
  const [first, second] = full ? [8, 16] : [4, 8];
  return onDigits(full, {
    name: "cnn",
    title: `Convolutions ${first}, ${second}, digits`,
    shape: "5×5 kernels, ReLU and 2×2 maxima twice, then 10 classes; ",
    network: {
      input: [28, 28, 1],
      layers: [
        { type: "conv", filters: first, size: 5 },
        { type: "pool", size: 2 },
        { type: "conv", filters: second, size: 5 },
        { type: "pool", size: 2 },
        { type: "dense", units: 10 },
      ],
      loss: "classification",
    },
    steps: 120,
    target: full ? 0.1 : 0.6,
    rateScale: 1,
    fullOnly: true,
  });
}

/** Digits with labels of which 30 % are random, and as many to choose learning rates by. */
export function labelNoiseData(seed: number, full: boolean): Data {
  const { train: all, test } = digits();
  const count = full ? 600 : 200;
  const order = random("label-noise", seed).permutation(all.count);
  const noisy = (from: number, stream: number) =>
    randomiseLabels(pick(all, order.subarray(from, from + count)), 0.3, 2 * seed + stream);
  const train = noisy(0, 0);
  return {
    train,
    probe: train,
    test: full ? test : pick(test, range(0, 300)),
    validation: noisy(count, 1),
  };
}

/** A network large enough to learn wrong labels by heart. */
export function labelNoiseProblem(full: boolean): Problem {
  return networkProblem({
    name: "label-noise",
    title: `MLP on ${full ? 600 : 200} digits, 30 % random labels`,
    about: `784-${full ? 64 : 32}-10, B = 16, constant learning rate; validation labels are as ` +
      "noisy as the training labels, test labels are right.",
    noisyData: true,
    network: multilayer([784, full ? 64 : 32, 10]),
    batchSize: 16,
    steps: full ? 2000 : 150,
    every: full ? 50 : 15,
    target: { metric: "testLoss", value: full ? 0.95 : 1.2 },
    selections: ["bestValidation", "finalValidation"],
    rateScale: 0.5,
    schedule: "constant",
    data: (seed) => labelNoiseData(seed, full),
  });
}
