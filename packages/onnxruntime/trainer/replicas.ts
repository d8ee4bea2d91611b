/**
 * Gradients that go to another trainer, and those that come from several.
 *
 * @module
 */
import {
  type CombinedReplicas,
  combineReplicas,
  type NamedArrays,
  type Replica,
} from "@precond/core";
import type { Engine } from "../engine/engine_types.ts";
import type { TakenFeeds } from "../engine/feeds/take_feeds.ts";
import type { Setup } from "../engine/set_up.ts";
import type { ComputedGradients, ComputeOptions, StepOptions } from "./options.ts";

/** Computes the gradient of a batch, reads it, and forgets it. */
export async function computeGradients<A>(
  { host, parameters }: Setup<A>,
  engine: Engine<A>,
  feeds: TakenFeeds,
  options: StepOptions & ComputeOptions,
): Promise<ComputedGradients> {
  const { loss, batchSize, gradients, squares, curvature } = await engine.compute(feeds, options);
  const read = async (arrays: readonly A[]): Promise<NamedArrays> => {
    const values = await Promise.all(arrays.map((array) => host.backend.read(array)));
    return Object.fromEntries(parameters.map(({ name }, i) => [name, values[i]!.slice()]));
  };
  return {
    loss,
    replica: {
      gradients: await read(gradients),
      examples: batchSize,
      // Single examples are micro-batches of one.
      ...(squares ? { gradientSquares: await read(squares), microBatches: batchSize } : {}),
      ...(curvature ? { curvature: await read(curvature) } : {}),
    },
  };
}

/**
 * What replicas found, as an engine steps with it.
 *
 * @throws {TypeError} As `combineReplicas()` does; for other parameters than are trained, or other sizes.
 */
export function takeReplicas<A>(
  { parameters }: Setup<A>,
  replicas: readonly Replica[],
): CombinedReplicas {
  const combined = combineReplicas(replicas);
  const { gradients } = combined;
  const trained = new Set(parameters.map(({ name }) => name));
  const odd = Object.keys(gradients).find((name) => !trained.has(name));
  if (odd !== undefined) {
    throw new TypeError(
      `Cannot apply replicas: "${odd}" is not trained; trained are ${[...trained].join(", ")}`,
    );
  }
  for (const { name, dims, size } of parameters) {
    const given = gradients[name]?.length;
    if (given === size) continue;
    throw new TypeError(
      `Cannot apply replicas: "${name}" has shape [${dims}], its gradient ${
        given === undefined ? "is not given" : `${given} elements`
      }`,
    );
  }
  return combined;
}
