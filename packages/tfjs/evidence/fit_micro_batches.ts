/** @module */
import { checkOptions, checkValue, type Kind } from "@precond/core/backend";
import * as kinds from "@precond/core/kinds";
import * as tf from "@tensorflow/tfjs-core";

/** Inputs or targets: one tensor, or one for each input or output of the model. */
export type BatchTensors = tf.Tensor | tf.Tensor[] | { readonly [name: string]: tf.Tensor };

/** What {@linkcode fitMicroBatches} needs of a compiled `tf.LayersModel`. */
export interface BatchTrainer {
  readonly optimizer: tf.Optimizer;
  // deno-lint-ignore no-explicit-any -- tfjs-layers is no dependency, its tensor maps no interface
  trainOnBatch(x: any, y: any): Promise<number | number[]>;
}

/** Options of {@linkcode fitMicroBatches}. */
export interface FitMicroBatchesOptions {
  /** Equal slices of the batch, k ≥ 2. */
  readonly microBatches: number;
}

const action = "fit micro-batches";

const tensors: Kind = {
  must: "be a tensor, or one for each input or output",
  type: (value) =>
    value instanceof tf.Tensor ||
    typeof value === "object" && value !== null &&
      Object.values(value).every((t) => t instanceof tf.Tensor),
};

const tensorsOf = (batch: BatchTensors): tf.Tensor[] =>
  batch instanceof tf.Tensor ? [batch] : Object.values(batch);

function slicesOf<B extends BatchTensors>(batch: B, start: number, size: number): B {
  const slice = (t: tf.Tensor) => tf.slice(t, start, size);
  const sliced = batch instanceof tf.Tensor
    ? slice(batch)
    : Array.isArray(batch)
    ? batch.map(slice)
    : Object.fromEntries(Object.entries(batch).map(([name, t]) => [name, slice(t as tf.Tensor)]));
  return sliced as B;
}

/**
 * One update of a compiled model from k equal slices of a batch: `model.trainOnBatch` with their
 * mean gradient, and exact `gradientSquares` at no extra pass.
 *
 * @returns What `trainOnBatch` returns (the loss, or the loss and metrics), averaged over the slices.
 * @throws {RangeError} For fewer than two slices, or a batch that they do not divide.
 * @throws {TypeError} If the model's optimizer is none of `precond`, or accumulates calls already.
 *
 * @example
 * ```ts
 * import * as tf from "@tensorflow/tfjs-core";
 * import "@tensorflow/tfjs-backend-cpu";
 * import * as layers from "@tensorflow/tfjs-layers";
 * import { fitMicroBatches, precond, signalSgd } from "@precond/tfjs";
 *
 * const model = layers.sequential();
 * model.add(layers.layers.dense({ units: 1, inputShape: [2] }));
 * model.compile({
 *   optimizer: precond(signalSgd({ from: "gradientSquares" })),
 *   loss: "meanSquaredError",
 * });
 * await fitMicroBatches(model, tf.ones([8, 2]), tf.zeros([8, 1]), { microBatches: 4 });
 * ```
 */
export async function fitMicroBatches(
  model: BatchTrainer,
  x: BatchTensors,
  y: BatchTensors,
  options: FitMicroBatchesOptions,
): Promise<number | number[]> {
  const { microBatches: k } = checkOptions(action, options, { microBatches: kinds.integer(2) }, [
    "microBatches",
  ]);
  const optimizer = model?.optimizer as tf.Optimizer & { accumulate?: number } | undefined;
  if (optimizer?.accumulate === undefined) {
    throw new TypeError("Cannot fit micro-batches: the model's optimizer is not made by precond()");
  }
  if (optimizer.accumulate > 1) {
    throw new TypeError(
      `Cannot fit micro-batches: the optimizer accumulates ${optimizer.accumulate} calls already`,
    );
  }
  checkValue(action, x, tensors, "x");
  checkValue(action, y, tensors, "y");
  const sizes = [...new Set([...tensorsOf(x), ...tensorsOf(y)].map(({ shape }) => shape[0]!))];
  const [examples] = sizes as [number];
  if (sizes.length > 1 || examples % k !== 0) {
    throw new RangeError(
      `Cannot fit micro-batches: ${sizes.join(" and ")} examples do not make ${k} equal slices`,
    );
  }
  const results: number[][] = [];
  optimizer.accumulate = k;
  try {
    for (let i = 0; i < k; i++) {
      const size = examples / k;
      const [xs, ys] = [slicesOf(x, i * size, size), slicesOf(y, i * size, size)];
      try {
        results.push([await model.trainOnBatch(xs, ys)].flat());
      } finally {
        tf.dispose([tensorsOf(xs), tensorsOf(ys)]);
      }
    }
  } finally {
    // Drops what a slice that failed has left.
    optimizer.accumulate = 1;
  }
  // The first slice brings the metrics of its extra calls, too, at the end.
  const count = Math.min(...results.map((r) => r.length));
  const means = Array.from(
    { length: count },
    (_, i) => results.reduce((sum, r) => sum + r[i]! / k, 0),
  );
  return count === 1 ? means[0]! : means;
}
