/** @module */
import * as tf from "@tensorflow/tfjs-core";
import { extraGradients } from "./extra_call.ts";

/** What k micro-batches of equal size tell. */
export interface MicroBatchEvidence {
  readonly value: tf.Scalar;
  /** Mean gradient. */
  readonly gradients: tf.NamedTensorMap;
  /** Mean of the squared micro-batch gradients. */
  readonly gradientSquares: tf.NamedTensorMap;
}

/** Mean gradient and mean squared gradient over the closures; the caller disposes all of it. */
export function microBatchEvidence(
  closures: readonly (() => tf.Scalar)[],
  variables: tf.Variable[] | undefined,
): MicroBatchEvidence {
  const k = closures.length;
  const sums: tf.NamedTensorMap = {},
    squares: tf.NamedTensorMap = {},
    values: tf.NamedTensorMap = {};
  const accumulate = (into: tf.NamedTensorMap, name: string, term: () => tf.Tensor) => {
    const old = into[name];
    into[name] = tf.keep(tf.tidy(() => {
      const share = tf.div(term(), k);
      return old ? tf.add(old, share) : share;
    }));
    old?.dispose();
  };
  try {
    for (const f of closures) {
      const { value, gradients } = extraGradients(f, variables);
      accumulate(values, "value", () => value);
      for (const [name, g] of Object.entries(gradients)) {
        accumulate(sums, name, () => g);
        accumulate(squares, name, () => tf.square(g));
      }
      tf.dispose([value, gradients]);
    }
  } catch (error) {
    tf.dispose([sums, squares, values]);
    throw error;
  }
  return { value: values.value as tf.Scalar, gradients: sums, gradientSquares: squares };
}
