/** @module */
import * as tf from "@tensorflow/tfjs-core";
import { binary, classification, type LikelihoodLoss } from "@precond/tfjs";
import { random } from "../random.ts";
import type { Examples } from "./digits.ts";

/** A network of dense layers with ReLU between them; one output means logistic regression. */
export interface Model {
  readonly variables: tf.Variable[];
  /** Mean cross-entropy over a batch, as a closure that both kinds of optimizer minimise. */
  loss(batch: Batch): LikelihoodLoss;
  logits(x: tf.Tensor2D): tf.Tensor;
  dispose(): void;
}

/** A batch on the device. */
export interface Batch {
  readonly x: tf.Tensor2D;
  readonly y: tf.Tensor;
}

/** Weights from N(0, 2/fan-in), or zero where there is but one layer; biases zero. */
export function dense(sizes: readonly number[], seed: number): Model {
  const draw = random("weights", seed);
  const logistic = sizes.at(-1) === 1;
  const layers = sizes.slice(1).map((outputs, l) => {
    const inputs = sizes[l]!;
    const deviation = sizes.length === 2 ? 0 : Math.sqrt(2 / inputs);
    const kernel = Float32Array.from(
      { length: inputs * outputs },
      () => deviation * draw.normal(),
    );
    return {
      kernel: tf.tidy(() => tf.variable(tf.tensor2d(kernel, [inputs, outputs]))),
      bias: tf.tidy(() => tf.variable(tf.zeros([outputs]))),
    };
  });
  const variables = layers.flatMap(({ kernel, bias }) => [kernel, bias]) as tf.Variable[];
  const logits = (x: tf.Tensor2D): tf.Tensor => {
    let value: tf.Tensor2D = x;
    layers.forEach(({ kernel, bias }, l) => {
      const linear = tf.add(tf.matMul(value, kernel as unknown as tf.Tensor2D), bias);
      value = (l === layers.length - 1 ? linear : tf.relu(linear)) as tf.Tensor2D;
    });
    return logistic ? tf.squeeze(value, [1]) : value;
  };
  return {
    variables,
    logits,
    loss: ({ x, y }) => logistic ? binary(() => logits(x), y) : classification(() => logits(x), y),
    dispose: () => tf.dispose(variables),
  };
}

/** Uploads examples; logistic labels are floats, classes are ids. */
export function upload(examples: Examples, outputs: number): Batch {
  const { count, features, x, y } = examples;
  return {
    x: tf.tensor2d(x, [count, features]),
    y: outputs === 1 ? tf.tensor1d(Float32Array.from(y)) : tf.tensor1d(y, "int32"),
  };
}

/** Mean cross-entropy and accuracy over all of a batch. */
export interface Evaluation {
  readonly loss: number;
  readonly accuracy: number;
}

/** Evaluates a model on a backend that can be read at once. */
export function evaluate(model: Model, { x, y }: Batch): Evaluation {
  const logits = tf.tidy(() => model.logits(x));
  const values = logits.dataSync();
  logits.dispose();
  return evaluation(values, y.dataSync(), logits.shape[1] ?? 1);
}

/** Evaluates a model on any backend: webgpu has no other way of reading. */
export async function evaluateAsync(model: Model, { x, y }: Batch): Promise<Evaluation> {
  const logits = tf.tidy(() => model.logits(x));
  const [values, labels] = await Promise.all([logits.data(), y.data()]);
  logits.dispose();
  return evaluation(values, labels, logits.shape[1] ?? 1);
}

function evaluation(values: tf.TypedArray, labels: tf.TypedArray, classes: number): Evaluation {
  let [loss, correct] = [0, 0];
  // float64 on the host: the same arithmetic whatever the backend.
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i]!;
    if (classes === 1) {
      const z = values[i]!;
      loss += Math.max(z, 0) - z * label + Math.log1p(Math.exp(-Math.abs(z)));
      correct += (z > 0 ? 1 : 0) === label ? 1 : 0;
      continue;
    }
    const row = values.subarray(i * classes, (i + 1) * classes);
    let best = 0;
    for (let k = 1; k < classes; k++) if (row[k]! > row[best]!) best = k;
    let sum = 0;
    for (let k = 0; k < classes; k++) sum += Math.exp(row[k]! - row[best]!);
    loss += Math.log(sum) + row[best]! - row[label]!;
    correct += best === label ? 1 : 0;
  }
  return { loss: loss / labels.length, accuracy: correct / labels.length };
}
