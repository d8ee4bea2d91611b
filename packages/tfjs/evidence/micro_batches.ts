/** @module */
import * as tf from "@tensorflow/tfjs-core";
import type { TensorEvidence } from "../optimizer/options.ts";
import { extraGradients } from "./extra_call.ts";

/** Means over k calls, as they come in. */
export interface Accumulation {
  /** Calls so far. */
  readonly count: number;
  /** Adds a call's gradients and evidence; the caller keeps the tensors. */
  add(gradients: tf.NamedTensorMap, evidence?: TensorEvidence): void;
  /** What k calls gave; the tensors are disposed by {@linkcode Accumulation.dispose}. */
  result(): { gradients: tf.NamedTensorMap; evidence: TensorEvidence };
  dispose(): void;
}

/** Adds to an entry of a map of kept tensors. */
function addTo(into: tf.NamedTensorMap, name: string, term: () => tf.Tensor): void {
  const old = into[name];
  into[name] = tf.keep(tf.tidy(() => old ? tf.add(old, term()) : tf.clone(term())));
  old?.dispose();
}

/**
 * The mean gradient over k calls on micro-batches, and the mean of their squared gradients if
 * `squares`. Curvature is averaged over the calls that bring it, batch sizes are added up.
 */
export function createAccumulation(k: number, squares: boolean): Accumulation {
  const sums: tf.NamedTensorMap = {}, ofSquares: tf.NamedTensorMap = {};
  const curvature: tf.NamedTensorMap = {};
  let count = 0, samples = 0;
  let examples: number | undefined = 0;
  return {
    get count() {
      return count;
    },
    add(gradients, evidence = {}) {
      if (evidence.gradientSquares) {
        throw new TypeError(
          "Cannot accumulate: gradientSquares are made from the accumulated calls, and given too",
        );
      }
      for (const [name, g] of Object.entries(gradients)) {
        addTo(sums, name, () => tf.div(g, k));
        if (squares) addTo(ofSquares, name, () => tf.div(tf.square(g), k));
      }
      if (evidence.curvature) {
        samples++;
        for (const [name, c] of Object.entries(evidence.curvature)) addTo(curvature, name, () => c);
      }
      examples = evidence.batchSize === undefined || examples === undefined
        ? undefined
        : examples + evidence.batchSize;
      count++;
    },
    result() {
      if (samples > 1) {
        for (const name of Object.keys(curvature)) {
          const sum = curvature[name]!;
          curvature[name] = tf.keep(tf.tidy(() => tf.div(sum, samples)));
          sum.dispose();
        }
      }
      return {
        gradients: sums,
        evidence: {
          ...(samples > 0 ? { curvature } : {}),
          ...(squares ? { gradientSquares: ofSquares, microBatches: k } : {}),
          ...(examples === undefined ? {} : { batchSize: examples }),
        },
      };
    },
    dispose: () => tf.dispose([sums, ofSquares, curvature]),
  };
}

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
  const total = createAccumulation(k, true);
  const values: tf.NamedTensorMap = {};
  try {
    for (const f of closures) {
      const { value, gradients } = extraGradients(f, variables);
      addTo(values, "value", () => tf.div(value, k));
      total.add(gradients);
      tf.dispose([value, gradients]);
    }
  } catch (error) {
    total.dispose();
    tf.dispose(values);
    throw error;
  }
  const { gradients, evidence } = total.result();
  return {
    value: values.value as tf.Scalar,
    gradients,
    gradientSquares: evidence.gradientSquares!,
  };
}
