/**
 * Weights of a network as plain arrays: what a learner starts from, and what is averaged.
 *
 * @module
 */
import type { Network } from "./layers.ts";
import { drawWeights, parametersOf, type PlacedLayer } from "./placement.ts";

/** What is trained of every layer, in the order of the layers, kernels as tfjs has them. */
export type Weights = readonly Float32Array[];

/** Where a network starts. */
export interface Start {
  readonly network: Network;
  /** Draws the weights. */
  readonly seed: number;
  /** In place of weights that are drawn. */
  readonly weights?: Weights | undefined;
}

/** The layers with the weights that they start with. */
export function placeWeights({ network, seed, weights }: Start): PlacedLayer[] {
  const drawn = drawWeights(network, seed);
  if (weights === undefined) return drawn;
  checkWeights("start", weights, flatten(drawn));
  let next = 0;
  const given = (layers: readonly PlacedLayer[]): PlacedLayer[] =>
    layers.map((placed) => ({
      ...placed,
      parameters: Object.fromEntries(
        Object.entries(placed.parameters).map(([role, parameter]) => [
          role,
          parameter.trained ? { ...parameter, values: weights[next++]! } : parameter,
        ]),
      ),
      paths: placed.paths.map(given),
    }));
  return given(drawn);
}

/** The weights of layers. */
export function flatten(placed: readonly PlacedLayer[]): Weights {
  return parametersOf(placed).filter(({ trained }) => trained).map(({ values }) => values);
}

/**
 * Refuses weights of another network.
 *
 * @throws {TypeError} If they are more or fewer, or of other sizes.
 */
export function checkWeights(what: string, weights: Weights, expected: Weights): void {
  const sizes = (all: Weights) => all.map(({ length }) => length).join(", ");
  if (sizes(weights) !== sizes(expected)) {
    throw new TypeError(
      `Cannot ${what} with weights of another network: expected arrays of ${
        sizes(expected)
      } numbers, given are ${sizes(weights)}`,
    );
  }
}

/**
 * The mean of weights, each counted as often as its client has examples (McMahan et al., 2017,
 * "Communication-Efficient Learning of Deep Networks from Decentralized Data"): `Σₖ nₖ wₖ / Σₖ nₖ`.
 *
 * @throws {TypeError} If they are of different networks, or not as many as the counts.
 */
export function averageWeights(all: readonly Weights[], examples: readonly number[]): Weights {
  if (all.length === 0 || all.length !== examples.length) {
    throw new TypeError(
      `Cannot average the weights of ${all.length} clients with ${examples.length} counts of examples`,
    );
  }
  for (const weights of all) checkWeights("average", weights, all[0]!);
  const total = examples.reduce((a, b) => a + b, 0);
  return all[0]!.map((first, i) =>
    Float32Array.from(first, (_, j) => {
      let sum = 0;
      for (let k = 0; k < all.length; k++) sum += examples[k]! * all[k]![i]![j]!;
      return sum / total;
    })
  );
}
