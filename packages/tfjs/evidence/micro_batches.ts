/** @module */
import { type Backend, checkValue } from "@precond/core/backend";
import * as kinds from "@precond/core/kinds";
import * as tf from "@tensorflow/tfjs-core";
import type { TensorEvidence } from "../optimizer/options.ts";
import { extraGradients } from "./extra_call.ts";
import { createGatherer } from "./gatherer.ts";

/** What k micro-batches of equal size tell; the caller disposes all of it. */
export interface MicroBatchEvidence {
  /** The mean loss. */
  readonly value: tf.Scalar;
  /** Mean gradient. */
  readonly grads: tf.NamedTensorMap;
  /** Mean of the squared micro-batch gradients, and k. */
  readonly evidence: Required<Pick<TensorEvidence, "gradientSquares" | "microBatches">>;
}

/**
 * Refuses too few closures.
 *
 * @throws {RangeError} For fewer than two.
 * @throws {TypeError} If the optimizer accumulates calls.
 */
export function checkClosures(closures: readonly unknown[], accumulate: number): void {
  checkValue("compare micro-batches", closures, kinds.listOf(kinds.callable), "closures");
  const k = closures.length;
  if (k < 2) {
    throw new RangeError(
      `Cannot compare micro-batches: at least 2 are needed, current number is ${k}`,
    );
  }
  if (accumulate > 1) {
    throw new TypeError(
      `Cannot compare micro-batches: the optimizer accumulates ${accumulate} calls already`,
    );
  }
}

/** Mean gradient and mean squared gradient over the closures. */
export function microBatchEvidence(
  backend: Backend<tf.Tensor>,
  closures: readonly (() => tf.Scalar)[],
  variables: tf.Variable[] | undefined,
): MicroBatchEvidence {
  const total = createGatherer(backend, true), losses = createGatherer(backend, false);
  let result: MicroBatchEvidence | undefined;
  try {
    closures.forEach((f, i) => {
      const { value, gradients } = extraGradients(f, variables);
      try {
        const sum = total.add(gradients);
        sum.commit();
        const loss = losses.add({ value });
        loss.commit();
        if (i < closures.length - 1) return;
        // What is handed out outlives the gatherers.
        const kept = (map: tf.NamedTensorMap) =>
          Object.fromEntries(Object.entries(map).map(([k, t]) => [k, tf.keep(tf.clone(t))]));
        result = {
          value: kept(loss.gradients).value as tf.Scalar,
          grads: kept(sum.gradients),
          evidence: {
            gradientSquares: kept(sum.evidence.gradientSquares!),
            microBatches: closures.length,
          },
        };
      } finally {
        tf.dispose([value, gradients]);
      }
    });
    return result!;
  } finally {
    total.dispose();
    losses.dispose();
  }
}
