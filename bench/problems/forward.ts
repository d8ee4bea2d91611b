/**
 * What a network computes, written once for all libraries.
 *
 * @module
 */
import type { Layer } from "./layers.ts";
import type { Operations } from "./operations.ts";
import type { Parameter, PlacedLayer } from "./placement.ts";

/** What a library computes with. */
export interface Surroundings<V> {
  readonly ops: Operations<V>;
  weight(parameter: Parameter): V;
  /** For the layer that samples. */
  readonly noise?: V | undefined;
}

/** What comes out of a network. */
export interface Computed<V> {
  /** [N, outputs], or [N, length, outputs]. */
  readonly outputs: V;
  /** What a layer sampled from: means and logarithms of variances side by side. */
  readonly latent?: V;
}

/** The outputs for rows of features [N, features]. */
export function forward<V>(
  placed: readonly PlacedLayer[],
  x: V,
  surroundings: Surroundings<V>,
): Computed<V> {
  let latent: V | undefined;
  const { ops } = surroundings;
  const first = placed[0]!.input;
  const path = (layers: readonly PlacedLayer[], input: V): V =>
    layers.reduce((value, here) => {
      if (here.layer.type === "sample") latent = value;
      if (here.layer.type !== "residual") {
        const last = here === placed.at(-1);
        return apply(here, value, last, surroundings);
      }
      const [inner, shortcut] = here.paths as [PlacedLayer[], PlacedLayer[]];
      return ops.add(path(inner, value), path(shortcut, value));
    }, input);
  const outputs = path(placed, first.length > 1 ? ops.reshape(x, first) : x);
  return { outputs, ...(latent !== undefined && { latent }) };
}

function apply<V>(
  { layer, input, parameters }: PlacedLayer,
  x: V,
  last: boolean,
  { ops, weight, noise }: Surroundings<V>,
): V {
  const own = (role: string) => weight(parameters[role]!);
  const bias = () => parameters["bias"] && weight(parameters["bias"]);
  switch (layer.type) {
    case "dense": {
      const rows = input.length === 3 ? ops.reshape(x, [input.reduce((a, b) => a * b)]) : x;
      const y = ops.linear(rows, own("kernel"), bias());
      return last || layer.linear ? y : ops.relu(y);
    }
    case "conv": {
      const moves = { stride: layer.stride ?? 1, padded: layer.padding === "same" };
      const y = ops.conv(x, own("kernel"), bias(), moves);
      return layer.linear ? y : ops.relu(y);
    }
    case "pool":
      return ops.maxPool(x, layer.size);
    case "mean":
      return ops.mean(x);
    case "relu":
      return ops.relu(x);
    case "batchNormalization": {
      const [scale, offset, mean, variance] = ["scale", "offset", "mean", "variance"].map(own);
      return ops.batchNormalization(x, {
        scale: scale!,
        offset: offset!,
        mean: mean!,
        variance: variance!,
      });
    }
    case "layerNormalization":
      return ops.layerNormalization(x, own("scale"), own("offset"));
    case "embedding": {
      const y = ops.rows(own("table"), x);
      return layer.positions ? ops.add(y, own("positions")) : y;
    }
    case "attention":
      return attention(ops, x, input, { layer, kernel: own("kernel"), out: own("projection") });
    case "gru":
      return ops.gru(x, own("kernel"), own("recurrent"), own("bias"));
    case "sample": {
      const [mean, logVariance] = ops.split(x, 2) as [V, V];
      const deviation = ops.exp(ops.scaled(logVariance, 0.5));
      return ops.add(mean, ops.multiply(deviation, noise!));
    }
    case "residual":
      throw new TypeError("Cannot apply a residual layer: its paths are");
  }
}

/** `softmax(QKᵀ/√d + mask) V` of each head, and the product of all of them with a matrix. */
function attention<V>(
  ops: Operations<V>,
  x: V,
  input: readonly number[],
  { layer, kernel, out }: {
    readonly layer: Extract<Layer, { type: "attention" }>;
    readonly kernel: V;
    readonly out: V;
  },
): V {
  const [length, width] = input as [number, number];
  const { heads } = layer;
  const size = width / heads;
  const [q, k, v] = ops.split(ops.linear(x, kernel), 3)
    .map((part) => ops.permute(ops.reshape(part, [length, heads, size]), [0, 2, 1, 3])) as [
      V,
      V,
      V,
    ];
  // What comes later weighs nothing.
  const mask = Float32Array.from(
    { length: length * length },
    (_, i) => i % length > Math.floor(i / length) ? -1e9 : 0,
  );
  const scores = ops.scaled(ops.product(q, k, true), 1 / Math.sqrt(size));
  const weights = ops.softmax(ops.add(scores, ops.constant([length, length], mask)));
  const joined = ops.permute(ops.product(weights, v, false), [0, 2, 1, 3]);
  return ops.linear(ops.reshape(joined, [length, width]), out);
}

/** The variational loss of inputs [N, n], see {@linkcode LossName}. */
export function variational<V>(ops: Operations<V>, x: V, { outputs, latent }: Computed<V>): V {
  const [mean, logVariance] = ops.split(latent!, 2) as [V, V];
  const entropy = ops.subtract(ops.softplus(outputs), ops.multiply(x, outputs));
  const one = ops.constant([1], Float32Array.of(1));
  const spread = ops.add(ops.exp(logVariance), ops.multiply(mean, mean));
  const divergence = ops.subtract(ops.subtract(spread, one), logVariance);
  return ops.add(ops.meanOfSums(entropy), ops.scaled(ops.meanOfSums(divergence), 0.5));
}
