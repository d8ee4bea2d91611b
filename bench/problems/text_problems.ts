/** @module */
import { pick, range } from "./digits.ts";
import type { Layer } from "./layers.ts";
import { type Data, type NetworkOptions, networkProblem } from "./network.ts";
import type { Problem } from "./problem.ts";
import { symbols, type Text, windowsOf } from "./text.ts";

/** Characters of an example. */
const length = 32;

/** @throws {RangeError} If a text is too short for the problems. */
export function checkLength(text: Text): void {
  windowsOf(text, length);
}

function windows(text: Text, full: boolean): Data {
  const { train, validation, test } = windowsOf(text, length);
  // From everywhere: a text changes its subject.
  const some = (part: typeof train, most: number) => {
    const count = Math.min(part.count, most);
    return pick(part, range(0, count).map((i) => Math.floor(i * part.count / count)));
  };
  const most = full ? 500 : 60;
  return {
    train,
    probe: some(train, most),
    validation: some(validation, most),
    test: some(test, most),
  };
}

/** What a language model does not share with the others. */
type OnText = Pick<NetworkOptions, "name" | "title" | "rateScale"> & {
  readonly shape: string;
  readonly layers: readonly Layer[];
  /** In the quick suite and in the full one. */
  readonly steps: readonly [number, number];
};

function onText(full: boolean, text: Text, own: OnText): Problem {
  const { shape, layers, steps, ...rest } = own;
  return networkProblem({
    ...rest,
    about:
      `The next character of ${text.name} (${text.bytes} bytes, ${text.hash}); 80 % to train, ` +
      `the next 10 % to validate, the last 10 % to test, in windows of ${length}; ${shape}, the ` +
      "learning rate falls linearly to 0.",
    noisyData: false,
    network: {
      input: [length],
      layers: [...layers, { type: "dense", units: symbols }],
      loss: "classification",
    },
    batchSize: 8,
    steps: steps[full ? 1 : 0],
    every: full ? 25 : 5,
    selections: ["finalTrainLoss"],
    schedule: "linear",
    fullOnly: true,
    // Rows are comparable where the text is the same.
    more: { text: { bytes: text.bytes, hash: text.hash } },
    data: () => windows(text, full),
  });
}

/** A gated recurrent unit that predicts the next character. */
export function gruProblem(full: boolean, text: Text): Problem {
  const units = full ? 64 : 32;
  return onText(full, text, {
    name: "gru",
    title: `GRU of ${units}, characters`,
    shape: `characters as vectors of 16, a GRU of ${units}, ${symbols} classes`,
    layers: [
      { type: "embedding", symbols, units: 16 },
      { type: "gru", units },
    ],
    steps: [25, 150],
    rateScale: 4,
  });
}

/** A transformer of two pre-norm blocks that predicts the next character. */
export function transformerProblem(full: boolean, text: Text): Problem {
  const width = 32;
  const block: readonly Layer[] = [
    { type: "residual", layers: [{ type: "layerNormalization" }, { type: "attention", heads: 4 }] },
    {
      type: "residual",
      layers: [
        { type: "layerNormalization" },
        { type: "dense", units: 2 * width },
        { type: "dense", units: width, linear: true },
      ],
    },
  ];
  return onText(full, text, {
    name: "transformer",
    title: `Transformer, 2 blocks of ${width}, characters`,
    shape: `two causal pre-norm blocks of width ${width} with 4 heads, ${symbols} classes`,
    layers: [
      { type: "embedding", symbols, units: width, positions: true },
      ...block,
      ...block,
      { type: "layerNormalization" },
    ],
    steps: [30, 200],
    rateScale: 2,
  });
}
