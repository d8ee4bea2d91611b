/** @module */
import { onDigits } from "./digit_problems.ts";
import { digits, type Examples, pick, pixels, range } from "./digits.ts";
import type { Layer } from "./layers.ts";
import type { Data } from "./network.ts";
import type { Problem } from "./problem.ts";

/** Two convolutions with batch normalization beside the input, or beside one at the stride. */
function residual(filters: number, stride: number): readonly Layer[] {
  const conv = (size: number, stride: number): readonly Layer[] => [
    { type: "conv", filters, size, stride, padding: "same", linear: true },
    { type: "batchNormalization" },
  ];
  return [
    {
      type: "residual",
      layers: [...conv(3, stride), { type: "relu" }, ...conv(3, 1)],
      ...(stride > 1 && { shortcut: conv(1, stride) }),
    },
    { type: "relu" },
  ];
}

/** A small residual net with batch normalization on the digits. */
export function resnetProblem(full: boolean): Problem {
  const filters = full ? 8 : 4;
  return onDigits(full, {
    name: "resnet",
    title: `Residual net of ${filters} to ${2 * filters} filters, digits`,
    shape:
      `a 3×3 convolution at stride 2 and two residual blocks of ${filters} and ${
        2 * filters
      } filters, batch normalization (by the batch in training, by running averages in evaluation), ` +
      "the mean of each channel, then 10 classes; ",
    network: {
      input: [28, 28, 1],
      layers: [
        { type: "conv", filters, size: 3, stride: 2, padding: "same", linear: true },
        { type: "batchNormalization" },
        { type: "relu" },
        ...residual(filters, 1),
        ...residual(2 * filters, 2),
        { type: "dense", units: 10 },
      ],
      loss: "classification",
    },
    steps: [80, 300],
    rateScale: 2,
    fullOnly: true,
  });
}

/** Images of half the width and height, from means of 2 × 2 pixels, to be reproduced. */
export function halved({ count, x }: Examples): Examples {
  const width = Math.sqrt(pixels);
  const half = width / 2;
  const small = Float32Array.from({ length: count * half * half }, (_, i) => {
    const [image, row, column] = [
      Math.floor(i / half / half),
      Math.floor(i / half) % half,
      i % half,
    ];
    const at = image * pixels + 2 * row * width + 2 * column;
    return (x[at]! + x[at + 1]! + x[at + width]! + x[at + width + 1]!) / 4;
  });
  return { count, features: half * half, x: small, y: new Int32Array(0) };
}

const cached = new Map<boolean, Data>();

function small(full: boolean): Data {
  const found = cached.get(full);
  if (found) return found;
  const { train, test } = digits();
  const all = halved(train);
  const data = {
    train: all,
    probe: pick(all, range(0, full ? 2000 : 250)),
    test: halved(full ? test : pick(test, range(0, 300))),
  };
  cached.set(full, data);
  return data;
}

/** A variational autoencoder of digits. */
export function vaeProblem(full: boolean): Problem {
  const [hidden, latent] = full ? [128, 8] : [64, 4];
  const features = pixels / 4;
  return onDigits(full, {
    name: "vae",
    title: `Variational autoencoder, ${latent} numbers a digit`,
    shape: `14×14 pixels, ${features}-${hidden}-${latent}-${hidden}-${features}, the binary ` +
      "cross-entropy of the pixels and the divergence from N(0, 1), noise from the seed; ",
    network: {
      input: [features],
      layers: [
        { type: "dense", units: hidden },
        { type: "dense", units: 2 * latent, linear: true },
        { type: "sample" },
        { type: "dense", units: hidden },
        { type: "dense", units: features },
      ],
      loss: "variational",
    },
    steps: [120, 600],
    rateScale: 2,
    fullOnly: true,
    data: () => small(full),
  });
}
