/**
 * Small networks of every kind of layer, and examples for them.
 *
 * @module
 */
import { random } from "../random.ts";
import type { Examples } from "./digits.ts";
import { hasLayer, multilayer, type Network, outputsOf } from "./layers.ts";
import { noiseOf } from "./placement.ts";

/** Networks by what they are. */
export const networks: Readonly<Record<string, Network>> = {
  "an MLP": multilayer([20, 12, 4]),
  "a softmax regression": multilayer([20, 4]),
  "a logistic regression": multilayer([20, 1], "binary"),
  "a regression": multilayer([20, 12, 3], "squared"),
  "convolutions": {
    input: [12, 12, 1],
    layers: [
      { type: "conv", filters: 3, size: 3 },
      { type: "pool", size: 2 },
      { type: "conv", filters: 4, size: 3 },
      { type: "dense", units: 4 },
    ],
    loss: "classification",
  },
  "a residual net": {
    input: [7, 8, 1],
    layers: [
      { type: "conv", filters: 3, size: 3, padding: "same", linear: true },
      { type: "batchNormalization" },
      { type: "relu" },
      {
        type: "residual",
        layers: [
          { type: "conv", filters: 4, size: 3, stride: 2, padding: "same", linear: true },
          { type: "batchNormalization" },
          { type: "relu" },
          { type: "conv", filters: 4, size: 3, padding: "same", linear: true },
          { type: "batchNormalization" },
        ],
        shortcut: [
          { type: "conv", filters: 4, size: 1, stride: 2, linear: true },
          { type: "batchNormalization" },
        ],
      },
      { type: "relu" },
      { type: "mean" },
      { type: "dense", units: 3 },
    ],
    loss: "classification",
  },
  "a variational autoencoder": {
    input: [9],
    layers: [
      { type: "dense", units: 8 },
      { type: "dense", units: 4, linear: true },
      { type: "sample" },
      { type: "dense", units: 8 },
      { type: "dense", units: 9 },
    ],
    loss: "variational",
  },
  "a recurrent net": {
    input: [5],
    layers: [
      { type: "embedding", symbols: 6, units: 4 },
      { type: "gru", units: 7 },
      { type: "dense", units: 6 },
    ],
    loss: "classification",
  },
  "a transformer": {
    input: [5],
    layers: [
      { type: "embedding", symbols: 6, units: 8, positions: true },
      {
        type: "residual",
        layers: [{ type: "layerNormalization" }, { type: "attention", heads: 2 }],
      },
      {
        type: "residual",
        layers: [
          { type: "layerNormalization" },
          { type: "dense", units: 12 },
          { type: "dense", units: 8, linear: true },
        ],
      },
      { type: "layerNormalization" },
      { type: "dense", units: 6 },
    ],
    loss: "classification",
  },
};

/** Examples of random numbers or symbols, with targets that a network can be trained to. */
export function examplesOf(network: Network, seed: number, count = 16): Examples {
  const { input, layers, loss } = network;
  const draw = random("examples", seed);
  const features = input.reduce((a, b) => a * b, 1);
  const outputs = outputsOf(network);
  const [first] = layers;
  const normal = (length: number) => Float32Array.from({ length }, () => draw.normal());
  const x = first?.type === "embedding"
    ? Float32Array.from({ length: count * features }, () => draw.integer(first.symbols))
    : loss === "variational"
    ? Float32Array.from({ length: count * features }, () => draw.uniform())
    : normal(count * features);
  const labels = (length: number) =>
    Int32Array.from({ length }, () => draw.integer(Math.max(2, outputs)));
  const noise = noiseOf(network);
  return {
    count,
    features,
    x,
    y: loss === "squared" ? normal(count * outputs) : labels(
      loss === "variational" ? 0 : hasLayer(layers, "embedding") ? count * features : count,
    ),
    ...(noise > 0 && { noise: normal(count * noise) }),
  };
}
