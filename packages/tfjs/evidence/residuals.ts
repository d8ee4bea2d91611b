/**
 * Residuals of labels drawn from the model's own distribution.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs-core";
import { epsilon, type LossName } from "./losses.ts";

/** What residuals are made for. */
export interface ResidualOptions {
  /** "gaussNewton": E[r rᵀ] is the Gauss-Newton matrix of the loss; "fisher": of −log p(y). */
  readonly source: "gaussNewton" | "fisher";
  readonly fromLogits: boolean;
  readonly seed: number;
}

/** ∂(−log p(y))/∂outputs of one draw y ~ p(· | outputs), of the outputs' shape. */
type Residual = (outputs: tf.Tensor, options: ResidualOptions) => tf.Tensor;

const uniform = (shape: number[], seed: number) =>
  // Not 0 nor 1: Gumbel noise stays finite.
  tf.randomUniform(shape, 1e-7, 1 - 1e-7, "float32", seed);

/** 1/√K turns a sum over the last axis into tfjs's mean; the Fisher matrix knows no such factor. */
const scaleOf = (outputs: tf.Tensor, source: ResidualOptions["source"], factor = 1) =>
  source === "fisher" ? 1 : Math.sqrt(factor / outputs.shape[outputs.rank - 1]!);

/** Through the softmax: p − e_y, since E over y of what stands here is its Fisher matrix. */
const categorical: Residual = (outputs, { fromLogits, seed }) => {
  const last = outputs.rank - 1;
  const total = tf.sum(outputs, last, true);
  const p = fromLogits
    ? tf.softmax(outputs)
    : tf.clipByValue(tf.div(outputs, total), epsilon(), 1 - epsilon());
  const gumbel = tf.neg(tf.log(tf.neg(tf.log(uniform(outputs.shape, seed)))));
  const scores = tf.add(fromLogits ? outputs : tf.log(p), gumbel);
  const drawn = tf.cast(
    tf.oneHot(tf.argMax(scores, last) as tf.Tensor1D, p.shape[last]!),
    "float32",
  );
  if (fromLogits) return tf.sub(p, drawn);
  return tf.div(tf.sub(1, tf.div(drawn, p)), total);
};

const bernoulli: Residual = (outputs, { source, fromLogits, seed }) => {
  const p = fromLogits ? tf.sigmoid(outputs) : tf.clipByValue(outputs, epsilon(), 1 - epsilon());
  const drawn = tf.cast(tf.less(uniform(outputs.shape, seed), p), "float32");
  const natural = tf.mul(tf.sub(p, drawn), scaleOf(outputs, source));
  return fromLogits ? natural : tf.div(natural, tf.mul(p, tf.sub(1, p)));
};

/** tfjs's squared error is Σ (f − y)²/K: Hessian 2/K, so residuals have that variance. */
const gaussian: Residual = (outputs, { source, seed }) =>
  tf.mul(
    tf.randomNormal(outputs.shape, 0, 1, "float32", seed),
    scaleOf(outputs, source, 2),
  );

/** A Gaussian of log(1 + f). */
const logNormal: Residual = (outputs, options) => {
  const slope = tf.div(1, tf.add(1, tf.maximum(outputs, epsilon())));
  const inside = tf.cast(tf.greaterEqual(outputs, epsilon()), "float32");
  return tf.mul(gaussian(outputs, options), tf.mul(slope, inside));
};

/** Variance 1/λ, which is all that an expected square sees: signs in place of Poisson draws. */
const poisson: Residual = (outputs, { source, seed }) => {
  const signs = tf.sign(tf.sub(uniform(outputs.shape, seed), 0.5));
  const deviation = tf.rsqrt(tf.maximum(outputs, epsilon()));
  return tf.mul(tf.mul(signs, deviation), scaleOf(outputs, source));
};

/** Residuals for the losses that are negative log-likelihoods up to a factor. */
export const residuals: Readonly<Partial<Record<LossName, Residual>>> = {
  categoricalCrossentropy: categorical,
  sparseCategoricalCrossentropy: categorical,
  kullbackLeiblerDivergence: categorical,
  binaryCrossentropy: bernoulli,
  meanSquaredError: gaussian,
  meanSquaredLogarithmicError: logNormal,
  poisson,
};

/** One random sign for each of B examples; the same for every output of a model. */
export function exampleSigns(batchSize: number, seed: number): tf.Tensor1D {
  return tf.tidy(() => {
    const half = tf.less(tf.randomUniform([batchSize], 0, 1, "float32", seed), 0.5);
    return tf.sub(tf.mul(tf.cast(half, "float32"), 2), 1);
  });
}
