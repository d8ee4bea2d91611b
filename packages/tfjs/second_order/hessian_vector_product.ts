/** @module */
import * as tf from "@tensorflow/tfjs-core";
import { recorded } from "./_recorded.ts";
import { enableSecondOrder } from "./enable.ts";

/** What {@linkcode hessianVectorProduct} gives; the caller, or the tidy around it, disposes it. */
export interface HessianVectorProduct {
  /** The loss. */
  readonly value: tf.Scalar;
  /** g by name of variable; variables that the loss does not use are left out. */
  readonly gradients: tf.NamedTensorMap;
  /** H v, for the same variables. */
  readonly products: tf.NamedTensorMap;
}

/**
 * The product `H v = ∇(gᵀv)` of the Hessian of a loss with a vector, exact, by double backprop
 * (Pearlmutter, "Fast exact multiplication by the Hessian", 1994). One call of the closure; two
 * to three times the time of a gradient, which it gives as well.
 *
 * Only the columns and rows of the given variables: v is zero for all others.
 *
 * @param f The loss, a scalar. Its units are those of the result: a mean loss gives the mean Hessian.
 * @param variables The variables, float32.
 * @param vectors v, by name of variable: a tensor of the variable's shape for each.
 * @throws {TypeError} For an operation whose second derivative is not verified, naming it and what
 * to use instead; for vectors that do not fit; for a loss that is no scalar or uses no variable.
 * No tensor is left behind.
 *
 * @example
 * ```ts
 * import * as tf from "@tensorflow/tfjs-core";
 * import "@tensorflow/tfjs-backend-cpu";
 * import "@tensorflow/tfjs-layers"; // registers the gradients
 * import { hessianVectorProduct } from "@precond/tfjs/second_order";
 * import assert from "node:assert/strict";
 *
 * // ½ wᵀAw has the Hessian A
 * const A = tf.tensor2d([[2, 1], [1, 3]]), w = tf.variable(tf.tensor2d([[1], [-1]]));
 * const loss = () => tf.mul(0.5, tf.sum(tf.mul(w, tf.matMul(A, w)))) as tf.Scalar;
 * const { gradients, products } = hessianVectorProduct(loss, [w], {
 *   [w.name]: tf.tensor2d([[1], [10]]),
 * });
 * assert.deepEqual([...gradients[w.name]!.dataSync()], [1, -2]);
 * assert.deepEqual([...products[w.name]!.dataSync()], [12, 31]);
 * ```
 */
export function hessianVectorProduct(
  f: () => tf.Scalar,
  variables: readonly tf.Variable[],
  vectors: tf.NamedTensorMap,
): HessianVectorProduct {
  check(variables, vectors);
  const restore = enableSecondOrder();
  try {
    return recorded((watch, hold) => {
      const engine = tf.engine(), xs = [...variables];
      let value!: tf.Tensor, gradients!: (tf.Tensor | undefined)[];
      const { grads } = engine.gradients(
        () => {
          const inner = engine.gradients(() => scalar(watch(f)), xs, undefined, true);
          const used = xs.flatMap((x, i) => inner.grads[i] ? [{ x, g: inner.grads[i] }] : []);
          if (used.length === 0) {
            throw new TypeError(
              `Cannot take second derivatives: the loss uses none of ${names(variables)}`,
            );
          }
          value = hold(inner.value);
          gradients = inner.grads.map((g) => g && hold(g));
          return used.map(({ x, g }) => tf.sum(tf.mul(g, vectors[x.name]!))).reduce(tf.add);
        },
        xs,
        undefined,
        true,
      );
      const named = (tensor: (i: number) => tf.Tensor): tf.NamedTensorMap =>
        Object.fromEntries(
          xs.flatMap(({ name }, i) => gradients[i] ? [[name, tensor(i)]] : []),
        );
      return {
        value: tf.clone(value) as tf.Scalar,
        gradients: named((i) => tf.clone(gradients[i]!)),
        // A variable that the loss is linear in has no connection to its gradient.
        products: named((i) => grads[i] ? tf.clone(grads[i]) : tf.zeros(xs[i]!.shape)),
      };
    });
  } finally {
    restore();
  }
}

function names(variables: readonly tf.Variable[]): string {
  return variables.map(({ name }) => `"${name}"`).join(", ");
}

function scalar(value: tf.Tensor): tf.Tensor {
  if (value.rank === 0 && value.dtype === "float32") return value;
  throw new TypeError(
    `Cannot take second derivatives: the loss has shape [${value.shape}] and dtype ${value.dtype}, expected a float32 scalar`,
  );
}

function check(variables: readonly tf.Variable[], vectors: tf.NamedTensorMap): void {
  if (variables.length === 0) {
    throw new TypeError("Cannot multiply by the Hessian: there are no variables");
  }
  for (const { name, shape, dtype } of variables) {
    if (dtype !== "float32") {
      throw new TypeError(
        `Cannot multiply by the Hessian: "${name}" has dtype ${dtype}, expected float32`,
      );
    }
    const v = vectors[name];
    if (!v) throw new TypeError(`Cannot multiply by the Hessian: no vector for "${name}"`);
    if (v.shape.join() !== shape.join() || v.dtype !== "float32") {
      throw new TypeError(
        `Cannot multiply by the Hessian: the vector for "${name}" has shape [${v.shape}] and dtype ${v.dtype}, expected [${shape}] and float32`,
      );
    }
  }
}
