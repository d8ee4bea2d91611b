/** @module */
import * as tf from "@tensorflow/tfjs-core";
import { hessianVectorProduct } from "./hessian_vector_product.ts";

/** What {@linkcode hessianDiagonalSample} gives; the caller, or the tidy around it, disposes it. */
export interface HessianDiagonalSample {
  /** The loss. */
  readonly value: tf.Scalar;
  /** g by name of variable; variables that the loss does not use are left out. */
  readonly gradients: tf.NamedTensorMap;
  /** z ∘ Hz, for the same variables. */
  readonly curvature: tf.NamedTensorMap;
}

/**
 * One unbiased sample `z ∘ Hz` of the diagonal of the Hessian, z random signs; the diagonal itself
 * if H is diagonal (Bekas, Kokiopoulou and Saad, "An estimator for the diagonal of a matrix", 2007).
 * Right for networks with kinks too, where finite differences are not.
 *
 * @param f The loss, a scalar.
 * @param variables The variables, float32.
 * @param seed Of the signs: the same seed gives the same signs.
 * @returns The sample, with the loss and its gradients, which cost nothing more.
 * @throws {TypeError} As {@linkcode hessianVectorProduct} does.
 *
 * @example
 * ```ts
 * import * as tf from "@tensorflow/tfjs-core";
 * import "@tensorflow/tfjs-backend-cpu";
 * import "@tensorflow/tfjs-layers"; // registers the gradients
 * import { diagonalNewton, precond, userCurvature } from "@precond/tfjs";
 * import { hessianDiagonalSample } from "@precond/tfjs/second_order";
 * import assert from "node:assert/strict";
 *
 * const w = tf.variable(tf.tensor1d([1, 1]));
 * const loss = () => tf.sum(tf.mul(tf.tensor1d([1, 50]), tf.square(w))) as tf.Scalar;
 * const optimizer = precond(diagonalNewton({ learningRate: 0.1, curvature: userCurvature() }));
 * for (let step = 0; step < 3; step++) {
 *   const { value, gradients, curvature } = hessianDiagonalSample(loss, [w], step);
 *   assert.deepEqual([...curvature[w.name]!.dataSync()], [2, 100]); // H is diagonal
 *   optimizer.applyGradients(gradients, { curvature });
 *   tf.dispose([value, gradients, curvature]);
 * }
 * ```
 */
export function hessianDiagonalSample(
  f: () => tf.Scalar,
  variables: readonly tf.Variable[],
  seed: number,
): HessianDiagonalSample {
  const signs = tf.tidy(() =>
    Object.fromEntries(variables.map((v, i) => [v.name, randomSigns(v, seed + i)]))
  );
  try {
    const { value, gradients, products } = hessianVectorProduct(f, variables, signs);
    const curvature: tf.NamedTensorMap = {};
    for (const [name, product] of Object.entries(products)) {
      curvature[name] = tf.mul(signs[name]!, product);
      product.dispose();
    }
    return { value, gradients, curvature };
  } finally {
    tf.dispose(signs);
  }
}

function randomSigns({ shape }: tf.Tensor, seed: number): tf.Tensor {
  const uniform = tf.randomUniform(shape, 0, 1, "float32", seed);
  return tf.sub(tf.mul(tf.cast(tf.less(uniform, 0.5), "float32"), 2), 1);
}
