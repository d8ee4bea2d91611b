/** @module */
import { combineReplicas, type Replica } from "@precond/core";
import { checkOptions, kinds } from "@precond/core/backend";
import * as tf from "@tensorflow/tfjs-core";
import { variablesOf } from "../optimizer/contributions.ts";
import type { TensorEvidence } from "../optimizer/options.ts";

/** What replicas found. */
export interface ReplicaTensors {
  readonly gradients: tf.NamedTensorMap;
  readonly evidence: TensorEvidence;
  /** The tensors among them that are new, which the caller disposes. */
  readonly made: tf.TensorContainer;
}

/** What is asked of the optimizer that steps. */
interface Stepping {
  readonly accumulate: number;
  readonly curvatureDue: boolean;
  applyGradients(gradients: tf.NamedTensorMap, evidence: TensorEvidence): void;
}

/** One update of the optimizer by what {@linkcode replicaTensors} makes of the replicas. */
export function applyReplicas(
  optimizer: Stepping,
  replicas: readonly Replica[],
  own: Pick<TensorEvidence, "curvature">,
): void {
  const { gradients, evidence, made } = replicaTensors(replicas, own, optimizer);
  try {
    optimizer.applyGradients(gradients, evidence);
  } finally {
    tf.dispose(made);
  }
}

/**
 * The gradient of a batch, and the evidence in it, of the replicas that share it.
 *
 * @param own The caller's curvature sample, if replicas bring none.
 * @throws {TypeError} As `combineReplicas()` does; for an unknown variable or another number of elements,
 * a curvature sample that is due and not there, or there twice, and if the optimizer accumulates calls.
 */
export function replicaTensors(
  replicas: readonly Replica[],
  own: Pick<TensorEvidence, "curvature">,
  { accumulate, curvatureDue }: Stepping,
): ReplicaTensors {
  const beside = checkOptions("apply replicas", own, { curvature: kinds.anything });
  if (accumulate > 1) {
    throw new TypeError(
      `Cannot apply replicas: the optimizer accumulates ${accumulate} calls, and replicas are a whole ` +
        `batch; set accumulate to 1`,
    );
  }
  const { gradients, gradientSquares, microBatches, batchSize, curvature } = combineReplicas(
    replicas,
  );
  if (curvature && beside.curvature !== undefined) {
    throw new TypeError(
      "Cannot apply replicas: they bring curvature samples, and one is given beside them; give one of both",
    );
  }
  if (curvatureDue && !curvature && beside.curvature === undefined) {
    throw new TypeError(
      "Cannot apply replicas: a curvature sample is due (see curvatureDue), and none is given",
    );
  }
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
  const mean = tensors(gradients);
  const made = {
    ...(gradientSquares ? { gradientSquares: tensors(gradientSquares) } : {}),
    ...(curvature ? { curvature: tensors(curvature) } : {}),
  };
  const counts = gradientSquares ? { batchSize, microBatches } : { batchSize };
  return {
    gradients: mean,
    evidence: { ...counts, ...made, ...beside },
    made: [mean, ...Object.values(made)],
  };
}
