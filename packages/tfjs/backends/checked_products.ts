/**
 * Matrix products whose tensors are checked.
 *
 * @module
 */
import { checkProduct, type ProductCall } from "@precond/core/backend";
import * as tf from "@tensorflow/tfjs-core";

type Call = ProductCall<tf.Tensor>;

const check = (calls: readonly Call[]) => {
  for (const call of calls) checkProduct(call, ({ size }) => size);
};

/** A backend's products, of tensors that are checked first. */
export function checked(
  multiply: (calls: readonly Call[]) => boolean,
): (calls: readonly Call[]) => boolean {
  return (calls) => {
    check(calls);
    return multiply(calls);
  };
}

/** The product as a tf op, for every other backend. */
function multiplyByOps(call: Call): tf.Tensor {
  const { a, b, out, rows, inner, columns, transposeA = false, transposeB = false } = call;
  return tf.keep(tf.tidy(() => {
    // Not all backends have products over nothing.
    if (rows * inner * columns === 0) return tf.zeros(out.shape);
    const left = tf.reshape(a, transposeA ? [inner, rows] : [rows, inner]);
    const right = tf.reshape(b, transposeB ? [columns, inner] : [inner, columns]);
    // A view of the product would not be kept with it.
    return tf.reshape(tf.matMul(left, right, transposeA, transposeB), out.shape);
  }));
}

/** Products as tf ops, on every backend. */
export function multiplyWithOps(calls: readonly Call[]): readonly tf.Tensor[] {
  check(calls);
  return calls.map(multiplyByOps);
}
