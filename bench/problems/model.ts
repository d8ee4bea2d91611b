/** @module */
import * as tf from "@tensorflow/tfjs-core";
import { binary, classification, type LikelihoodLoss, squaredError } from "@precond/tfjs";
import type { Examples } from "./digits.ts";
import { type Evaluation, evaluation } from "./evaluation.ts";
import { type LossName, multilayer } from "./layers.ts";
import { placeWeights, type Start, type Weights } from "./weights.ts";

/** A network in tfjs. */
export interface Model {
  readonly variables: tf.Variable[];
  readonly lossName: LossName;
  /** The mean loss over a batch, as a closure that both kinds of optimizer minimise. */
  loss(batch: Batch): LikelihoodLoss;
  /** A row of outputs for each example. */
  outputs(x: tf.Tensor2D): tf.Tensor2D;
  dispose(): void;
}

/** A batch on the device. */
export interface Batch {
  readonly x: tf.Tensor2D;
  readonly y: tf.Tensor;
}

/** Builds a network. */
export function build(start: Start): Model {
  const layers = placeWeights(start).map(({ layer, input, weights }) => ({
    layer,
    input,
    ...(weights && {
      kernel: tf.tidy(() => tf.variable(tf.tensor(weights.kernel, [...weights.shape]))),
      bias: tf.tidy(() => tf.variable(tf.tensor1d(weights.bias))),
    }),
  }));
  const variables = layers.flatMap(({ kernel, bias }) => kernel && bias ? [kernel, bias] : []);
  const outputs = (x: tf.Tensor2D): tf.Tensor2D => {
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
    return value as tf.Tensor2D;
  };
  return {
    variables: variables as tf.Variable[],
    lossName: start.network.loss,
    outputs,
    loss: ({ x, y }) => losses[start.network.loss](() => outputs(x), y),
    dispose: () => tf.dispose(variables),
  };
}

/** Our losses by their names. */
const losses: Readonly<
  Record<LossName, (outputs: () => tf.Tensor, targets: tf.Tensor) => LikelihoodLoss>
> = { classification, binary, squared: squaredError };

/** A network of dense layers that tells classes apart. */
export function dense(sizes: readonly number[], seed: number): Model {
  return build({ network: multilayer(sizes), seed });
}

/** Reads the weights. */
export async function readWeights({ variables }: Model): Promise<Weights> {
  return await Promise.all(variables.map(async (v) => Float32Array.from(await v.data())));
}

/** Overwrites the weights. */
export function writeWeights({ variables }: Model, weights: Weights): void {
  tf.tidy(() => variables.forEach((v, i) => v.assign(tf.tensor(weights[i]!.slice(), v.shape))));
}

/** Uploads examples; classes are ids, all other targets are floats in rows. */
export function upload({ count, features, x, y }: Examples, loss: LossName): Batch {
  return {
    x: tf.tensor2d(x, [count, features]),
    y: loss === "classification"
      ? tf.tensor1d(y, "int32")
      : tf.tensor2d(Float32Array.from(y), [count, y.length / count]),
  };
}

/** Evaluates a model on a backend that can be read at once. */
export function evaluate(model: Model, { x, y }: Batch): Evaluation {
  const outputs = tf.tidy(() => model.outputs(x));
  const values = outputs.dataSync();
  outputs.dispose();
  return evaluation(model.lossName, values, y.dataSync(), outputs.shape[1]);
}

/** Evaluates a model on any backend: webgpu has no other way of reading. */
export async function evaluateAsync(model: Model, { x, y }: Batch): Promise<Evaluation> {
  const outputs = tf.tidy(() => model.outputs(x));
  const [values, targets] = await Promise.all([outputs.data(), y.data()]);
  outputs.dispose();
  return evaluation(model.lossName, values, targets, outputs.shape[1]);
}
