/**
 * Samples from losses wrapped in `evidenceLoss`.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs-core";
import type { extraGradients } from "./extra_call.ts";
import { exampleSigns } from "./residuals.ts";
import { asking, type Question } from "./session.ts";

/** Takes samples, kept: the caller disposes them. */
export interface WrappedSamples {
  /** A sample of the Gauss-Newton or Fisher diagonal. */
  labels(
    closure: () => tf.Scalar,
    variables: readonly tf.Variable[],
    source: "gaussNewton" | "fisher",
    seed: number,
  ): tf.NamedTensorMap;
  /** An estimate of the mean squared gradient of one example. */
  signs(
    closure: () => tf.Scalar,
    variables: readonly tf.Variable[],
    batchSize: number,
    seed: number,
  ): tf.NamedTensorMap;
}

/**
 * A penalty that the closure adds to the loss (a regularizer) is neither data nor noise: its
 * gradient r, from a call in which the losses are constant, is taken out of ĝ, and goes into every
 * example's gradient. Whether there is one is found out once for the same variables.
 */
export function createWrappedSamples(gradientsOf: typeof extraGradients): WrappedSamples {
  let unpenalised: string | undefined;

  const ask = (question: Question, closure: () => tf.Scalar, variables: readonly tf.Variable[]) => {
    const constant = question.kind === "constant";
    const { result } = asking(question, () => gradientsOf(closure, variables, { constant }));
    result.value.dispose();
    return result.gradients;
  };

  const penalty = (closure: () => tf.Scalar, variables: readonly tf.Variable[]) => {
    const key = variables.map(({ name }) => name).join();
    if (key === unpenalised) return {};
    const gradients = ask({ kind: "constant" }, closure, variables);
    if (Object.keys(gradients).length === 0) unpenalised = key;
    return gradients;
  };

  const sample = (
    question: Question,
    closure: () => tf.Scalar,
    variables: readonly tf.Variable[],
    square: (raw: tf.Tensor, r: tf.Tensor | undefined) => tf.Tensor,
  ) => {
    const found: tf.NamedTensorMap = ask(question, closure, variables);
    let r: tf.NamedTensorMap = {};
    try {
      r = penalty(closure, variables);
      return Object.fromEntries(variables.map((v) => [
        v.name,
        tf.keep(tf.tidy(() => square(found[v.name] ?? tf.zeros(v.shape), r[v.name]))),
      ]));
    } finally {
      tf.dispose([found, r]);
    }
  };

  return {
    labels: (closure, variables, source, seed) =>
      sample(
        { kind: "labels", source, seed },
        closure,
        variables,
        (raw, r) => tf.square(r ? tf.sub(raw, r) : raw),
      ),
    // raw = Σ sᵢ gᵢ/B + r, wanted Σ sᵢ (gᵢ + r)/B = raw − r (1 − mean s)
    signs: (closure, variables, batchSize, seed) =>
      sample({ kind: "signs", seed }, closure, variables, (raw, r) => {
        const mean = () => tf.mean(exampleSigns(batchSize, seed));
        const each = r ? tf.sub(raw, tf.mul(r, tf.sub(1, mean()))) : raw;
        return tf.mul(tf.square(each), batchSize);
      }),
  };
}
