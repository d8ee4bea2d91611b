/** @module */
import * as tf from "@tensorflow/tfjs-core";
import { binary, classification, type LikelihoodLoss } from "@precond/tfjs";
import type { Examples } from "./digits.ts";
import { type Evaluation, evaluation } from "./evaluation.ts";
import { drawWeights, multilayer, type Network, outputsOf } from "./layers.ts";

/** A network in tfjs. */
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

/** Builds a network, with weights drawn from a seed. */
export function build(network: Network, seed: number): Model {
  const logistic = outputsOf(network) === 1;
  const layers = drawWeights(network, seed).map(({ layer, input, weights }) => ({
    layer,
    input,
    ...(weights && {
      kernel: tf.tidy(() => tf.variable(tf.tensor(weights.kernel, [...weights.shape]))),
      bias: tf.tidy(() => tf.variable(tf.tensor1d(weights.bias))),
    }),
  }));
  const variables = layers.flatMap(({ kernel, bias }) => kernel && bias ? [kernel, bias] : []);
  const logits = (x: tf.Tensor2D): tf.Tensor => {
    let value: tf.Tensor = x;
    layers.forEach(({ layer, input, kernel, bias }, l) => {
      const last = l === layers.length - 1;
      if (layer.type === "dense") {
        const flat = tf.reshape(value, [x.shape[0], -1]) as tf.Tensor2D;
        const linear = tf.add(tf.matMul(flat, kernel as unknown as tf.Tensor2D), bias!);
        value = last ? linear : tf.relu(linear);
        return;
      }
      const [height, width, channels] = input as [number, number, number];
      const images = tf.reshape(value, [x.shape[0], height, width, channels]) as tf.Tensor4D;
      value = layer.type === "pool" ? tf.maxPool(images, layer.size, layer.size, "valid") : tf.relu(
        tf.add(tf.conv2d(images, kernel as unknown as tf.Tensor4D, 1, "valid"), bias!),
      );
    });
    return logistic ? tf.squeeze(value, [1]) : value;
  };
  return {
    variables: variables as tf.Variable[],
    logits,
    loss: ({ x, y }) => logistic ? binary(() => logits(x), y) : classification(() => logits(x), y),
    dispose: () => tf.dispose(variables),
  };
}

/** A network of dense layers. */
export function dense(sizes: readonly number[], seed: number): Model {
  return build(multilayer(sizes), seed);
}

/** Uploads examples; logistic labels are floats, classes are ids. */
export function upload(examples: Examples, outputs: number): Batch {
  const { count, features, x, y } = examples;
  return {
    x: tf.tensor2d(x, [count, features]),
    y: outputs === 1 ? tf.tensor1d(Float32Array.from(y)) : tf.tensor1d(y, "int32"),
  };
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
