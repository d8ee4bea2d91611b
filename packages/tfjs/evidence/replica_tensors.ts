/** @module */
import { combineReplicas, type Replica } from "@precond/core";
import * as tf from "@tensorflow/tfjs-core";
import { variablesOf } from "../optimizer/contributions.ts";
import type { TensorEvidence } from "../optimizer/options.ts";

/** What replicas found, as new tensors that the caller disposes. */
export interface ReplicaTensors {
  readonly gradients: tf.NamedTensorMap;
  readonly evidence: TensorEvidence;
}

/**
 * The gradient of a batch, and the evidence in it, of the replicas that share it.
 *
 * @throws {TypeError} As `combineReplicas()` does; for an unknown variable or another number of elements,
 * and if the optimizer accumulates calls.
 */
export function replicaTensors(replicas: readonly Replica[], accumulate: number): ReplicaTensors {
  if (accumulate > 1) {
    throw new TypeError(
      `Cannot apply replicas: the optimizer accumulates ${accumulate} calls, and replicas are a whole ` +
        `batch; set accumulate to 1`,
    );
  }
  const { gradients, gradientSquares, microBatches, batchSize } = combineReplicas(replicas);
  const variables = new Map(variablesOf(Object.keys(gradients)).map((v) => [v.name, v]));
  for (const [name, { length }] of Object.entries(gradients)) {
    const { size, shape } = variables.get(name)!;
    if (size === length) continue;
    throw new TypeError(
      `Cannot apply replicas: the gradient of "${name}" has ${length} elements, its variable has shape [${shape}]`,
    );
  }
  const tensors = (arrays: typeof gradients): tf.NamedTensorMap =>
    Object.fromEntries(
      Object.entries(arrays).map((
        [name, values],
      ) => [name, tf.tensor(values, variables.get(name)!.shape, "float32")]),
    );
  return {
    gradients: tensors(gradients),
    evidence: {
      batchSize,
      ...(gradientSquares ? { gradientSquares: tensors(gradientSquares), microBatches } : {}),
    },
  };
}
