/**
 * Matrix products on tf tensors.
 *
 * @module
 */
import { checkProduct, type ProductCall } from "@precond/core/backend";
import * as tf from "@tensorflow/tfjs-core";
import { multiplyOnCpu } from "./cpu.ts";
import { multiplyOnWasm } from "./wasm.ts";
import { multiplyOnWebgpu } from "./webgpu.ts";

type Call = ProductCall<tf.Tensor>;

/**
 * Products into the tensors given for them; false where that cannot be. On wasm tf.matMul is XNNPACK
 * only if nothing is transposed, and a loop over single elements otherwise: some thirty times slower.
 */
const inPlace: Readonly<Record<string, (calls: readonly Call[]) => boolean>> = {
  cpu: multiplyOnCpu,
  wasm: multiplyOnWasm,
  webgpu: multiplyOnWebgpu,
};

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

/** Products on the active backend: where its memory can be reached in place, otherwise by tf.matMul. */
export function multiplyTensors(calls: readonly Call[]): readonly tf.Tensor[] {
  for (const call of calls) checkProduct(call, ({ size }) => size);
  return inPlace[tf.getBackend()]?.(calls) ? calls.map(({ out }) => out) : calls.map(multiplyByOps);
}
