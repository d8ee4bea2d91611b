/** @module */
import { digits, pick, range } from "./digits.ts";
import { multilayer, type Network } from "./layers.ts";
import { type Data, type NetworkOptions, type NetworkProblem, networkProblem } from "./network.ts";
import type { Problem } from "./problem.ts";

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
  & Pick<NetworkProblem, "name" | "title" | "rateScale" | "fullOnly" | "watched">
  & Partial<Pick<NetworkOptions, "data">>
  & {
    readonly network: Network;
    /** What stands between the data and the batch size in the report. */
    readonly shape?: string;
    /** Steps in the quick suite and in the full one; default 80 and 1500. */
    readonly steps?: readonly [quick: number, full: number];
  };

/** A problem of a network on clean digits, in its quick or its full size. */
export function onDigits(full: boolean, options: OnDigits): Problem {
  const { shape = "", steps = [80, 1500], ...own } = options;
  return networkProblem({
    data: () => clean(full),
    ...own,
    about: `MNIST, 10k subset: 8,000 digits to train, 2,000 to test; ${shape}the learning rate ` +
      "falls linearly to 0.",
    noisyData: false,
    batchSize: 16,
    steps: steps[full ? 1 : 0],
    every: full ? 50 : 10,
    selections: ["finalTrainLoss"],
    schedule: "linear",
  });
}

/** Softmax regression on the digits. */
export function softmaxProblem(full: boolean): Problem {
  return onDigits(full, {
    name: "softmax",
    title: "Softmax regression, digits",
    shape: "784-10, ",
    network: multilayer([784, 10]),
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
    rateScale: 1,
    watched: true,
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
    steps: [120, 1500],
    rateScale: 1,
    watched: true,
    fullOnly: true,
  });
}
