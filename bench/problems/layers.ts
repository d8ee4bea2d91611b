/**
 * Networks as lists of layers, the same for every library that trains them.
 *
 * @module
 */

/** A layer; images are [height, width, channels], sequences [length, width]. */
export type Layer =
  /** Of a vector, of a flattened image, or of each position of a sequence. */
  | { readonly type: "dense"; readonly units: number; /** No ReLU. */ readonly linear?: true }
  /** Filters of size × size, then ReLU. */
  | {
    readonly type: "conv";
    readonly filters: number;
    readonly size: number;
    /** Default 1. */
    readonly stride?: number;
    /** As much padding as keeps the size, divided by the stride. Default: none. */
    readonly padding?: "same";
    /** No bias and no ReLU, as before a normalization. */
    readonly linear?: true;
  }
  /** The maximum of size × size at that stride. */
  | { readonly type: "pool"; readonly size: number }
  /** The mean of each channel over all positions of an image. */
  | { readonly type: "mean" }
  | { readonly type: "relu" }
  /** By the statistics of the batch in training, by their running averages in evaluation. */
  | { readonly type: "batchNormalization" }
  /** Of each position by its own statistics. */
  | { readonly type: "layerNormalization" }
  /** The sum of two paths; a path without layers is the input itself. */
  | {
    readonly type: "residual";
    readonly layers: readonly Layer[];
    readonly shortcut?: readonly Layer[];
  }
  /** A vector for each of so many symbols, of which the input has the numbers. */
  | {
    readonly type: "embedding";
    readonly symbols: number;
    readonly units: number;
    /** Plus one for each position. */
    readonly positions?: true;
  }
  /** Causal self-attention, without biases. */
  | { readonly type: "attention"; readonly heads: number }
  /** All states of a gated recurrent unit that begins at 0. */
  | { readonly type: "gru"; readonly units: number }
  /** `μ + e^{λ/2} ε` of an input that has μ and λ side by side, and of noise ε. */
  | { readonly type: "sample" };

/**
 * What is minimised, a mean over the batch in all libraries alike:
 *
 * - `classification`: `−log softmax(z)[y]` of class ids y, of every position where these are sequences;
 * - `binary`: `log(1 + eᶻ) − y z` of one output z and y = 0 or 1;
 * - `squared`: `½‖f − y‖²`, summed over the outputs f of an example;
 * - `variational`: `Σ (log(1 + eᶻ) − x z) + ½ Σ (e^λ + μ² − 1 − λ)`, the binary cross-entropy of the inputs
 *   x themselves and the divergence from N(0, 1) of the one layer that samples. Kingma & Welling,
 *   "Auto-encoding variational Bayes" (2013).
 */
export type LossName = "classification" | "binary" | "squared" | "variational";

/** A network: ReLU behind every dense layer but the last. */
export interface Network {
  /** Of one example: [features], [height, width, channels], or [length] of symbols. */
  readonly input: readonly number[];
  readonly layers: readonly Layer[];
  readonly loss: LossName;
}

/** Dense layers; `sizes` are widths, input and output included. */
export function multilayer(
  sizes: readonly number[],
  loss: LossName = "classification",
): Network {
  return {
    input: [sizes[0]!],
    layers: sizes.slice(1).map((units) => ({ type: "dense", units })),
    loss,
  };
}

/** Whether there is a layer of that type, also within others. */
export function hasLayer(layers: readonly Layer[], type: Layer["type"]): boolean {
  return layers.some((layer) =>
    layer.type === type ||
    layer.type === "residual" && hasLayer([...layer.layers, ...layer.shortcut ?? []], type)
  );
}

/**
 * Number of outputs of an example, or of each of its positions.
 *
 * @throws {TypeError} If the last layer is not dense, or the loss needs another number.
 */
export function outputsOf({ input, layers, loss }: Network): number {
  const last = layers.at(-1);
  if (last?.type !== "dense") throw new TypeError("Cannot train: the last layer must be dense");
  const { units } = last;
  if (loss === "binary" ? units !== 1 : loss === "classification" && units === 1) {
    throw new TypeError(
      `Cannot train: ${loss} of ${units} output${units === 1 ? "" : "s"}; ` +
        "one output is for binary, two or more are for classification, any number for squared",
    );
  }
  const features = input.reduce((a, b) => a * b, 1);
  if (loss === "variational" && (units !== features || !hasLayer(layers, "sample"))) {
    throw new TypeError(
      `Cannot train: the variational loss needs a layer that samples, and as many outputs as ` +
        `inputs; these are ${units} and ${features}`,
    );
  }
  return units;
}
