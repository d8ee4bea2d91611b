/** @module */
import * as tf from "@tensorflow/tfjs-core";
import { epsilon, momentum, type Operations } from "./operations.ts";

/** Whether a network is being trained, and which of its passes updates the running statistics. */
export interface Pass {
  readonly training: boolean;
  readonly updates: boolean;
}

/** The operations of tfjs. */
export function tensorOperations({ training, updates }: Pass): Operations<tf.Tensor> {
  const ops: Operations<tf.Tensor> = {
    reshape: (x, shape) => tf.reshape(x, [x.shape[0]!, ...shape]),
    permute: (x, axes) => tf.transpose(x, [...axes]),
    split: (x, parts) => tf.split(x, parts, x.rank - 1),
    linear(x, kernel, bias) {
      const [inputs, outputs] = kernel.shape as [number, number];
      const rows = x.rank === 2 ? x : tf.reshape(x, [-1, inputs]);
      const product = tf.matMul(rows as tf.Tensor2D, kernel as tf.Tensor2D);
      const y = bias ? tf.add(product, bias) : product;
      return x.rank === 2 ? y : tf.reshape(y, [...x.shape.slice(0, -1), outputs]);
    },
    product: (x, y, transposed) => tf.matMul(x, y, false, transposed),
    conv(x, kernel, bias, { stride, padded }) {
      const y = tf.conv2d(
        x as tf.Tensor4D,
        kernel as tf.Tensor4D,
        stride,
        padded ? "same" : "valid",
      );
      return bias ? tf.add(y, bias) : y;
    },
    maxPool: (x, size) => tf.maxPool(x as tf.Tensor4D, size, size, "valid"),
    mean: (x) => tf.mean(x, [1, 2]),
    rows: (table, numbers) => tf.gather(table, tf.cast(numbers, "int32")),
    batchNormalization(x, { scale, offset, mean, variance }) {
      let [level, spread] = [mean, variance];
      if (training) {
        const axes = Array.from({ length: x.rank - 1 }, (_, k) => k);
        ({ mean: level, variance: spread } = tf.moments(x, axes));
      }
      if (updates) {
        follow(mean, level);
        follow(variance, spread);
      }
      return standardized(x, { level, spread, scale, offset });
    },
    layerNormalization(x, scale, offset) {
      const { mean, variance } = tf.moments(x, -1, true);
      return standardized(x, { level: mean, spread: variance, scale, offset });
    },
    gru: (x, kernel, recurrent, bias) => gru(ops.linear(x, kernel, bias), recurrent),
    relu: tf.relu,
    exp: tf.exp,
    softplus: tf.softplus,
    softmax: (x) => tf.softmax(x),
    add: tf.add,
    subtract: tf.sub,
    multiply: tf.mul,
    scaled: (x, factor) => tf.mul(x, factor),
    constant: (shape, values) => tf.tensor(values, [...shape]),
    meanOfSums: (x) => tf.div(tf.sum(x), x.shape[0]!),
  };
  return ops;
}

/** `s (x − μ)/√(σ² + ε) + c`. */
function standardized(
  x: tf.Tensor,
  { level, spread, scale, offset }: Readonly<
    Record<"level" | "spread" | "scale" | "offset", tf.Tensor>
  >,
): tf.Tensor {
  const factor = tf.mul(tf.rsqrt(tf.add(spread, epsilon)), scale);
  return tf.add(tf.mul(tf.sub(x, level), factor), offset);
}

/** A running average takes in one more batch. */
function follow(average: tf.Tensor, value: tf.Tensor): void {
  (average as tf.Variable).assign(
    tf.add(tf.mul(average, momentum), tf.mul(value, 1 - momentum)),
  );
}

/** The states for what the inputs give to z, r and h̃, [N, length, 3·units]. */
function gru(given: tf.Tensor, recurrent: tf.Tensor): tf.Tensor {
  const units = recurrent.shape[0]!;
  const parts = [2 * units, units];
  const [gates, candidates] = tf.split(given, parts, 2).map((part) => tf.unstack(part, 1));
  const [forGates, forCandidate] = tf.split(recurrent as tf.Tensor2D, parts, 1);
  const states: tf.Tensor[] = [];
  gates!.forEach((gate, t) => {
    const h = states.at(-1) as tf.Tensor2D | undefined;
    const both = tf.sigmoid(h ? tf.add(gate, tf.matMul(h, forGates!)) : gate);
    const [z, r] = tf.split(both, 2, 1) as [tf.Tensor2D, tf.Tensor2D];
    const candidate = candidates![t]!;
    const fresh = tf.tanh(
      h ? tf.add(candidate, tf.matMul(tf.mul(r, h) as tf.Tensor2D, forCandidate!)) : candidate,
    );
    states.push(
      h ? tf.add(fresh, tf.mul(z, tf.sub(h, fresh))) : tf.sub(fresh, tf.mul(z, fresh)),
    );
  });
  return tf.stack(states, 1);
}
