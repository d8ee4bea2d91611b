/**
 * An optimizer as JSON, for `model.save`.
 *
 * @module
 */
import type { Definition } from "@precond/core";
import { parseDefinition, shown, stringifyDefinition } from "@precond/core/backend";
import type * as tf from "@tensorflow/tfjs-core";
import type { PrecondOptions, ResolvedOptions } from "./options.ts";

type Config = tf.serialization.ConfigDict;

/** The chain, the options and the learning rate that was set, if any. */
export function configOf(
  definition: Definition,
  options: ResolvedOptions,
  rate: number | undefined,
): Config {
  // model.save turns every string, values too, into snake_case: numbers stay as they are.
  const text = [...new TextEncoder().encode(stringifyDefinition(definition))];
  return {
    definition: text,
    ...options,
    batchSize: options.batchSize ?? 0,
    learningRate: rate ?? -1,
  };
}

/** What {@linkcode configOf} was given. */
export function readConfig(
  config: Config,
): { definition: Definition; options: PrecondOptions; rate: number | undefined } {
  const bytes = config?.definition as number[];
  if (!Array.isArray(bytes)) {
    throw new TypeError(
      "Cannot restore the optimizer: the configuration has no definition, so that precond() did not " +
        `write it; current value is ${shown(config)}`,
    );
  }
  const text = new TextDecoder().decode(Uint8Array.from(bytes));
  const { seed, differenceStep, batchSize, squaresEvery = 1, accumulate = 1, learningRate } =
    config as Record<string, number>;
  return {
    definition: parseDefinition(text),
    options: {
      seed: seed!,
      differenceStep: differenceStep!,
      gradientSquares: { every: squaresEvery },
      accumulate,
      ...(batchSize! > 0 ? { batchSize: batchSize! } : {}),
    },
    rate: learningRate! >= 0 ? learningRate! : undefined,
  };
}
