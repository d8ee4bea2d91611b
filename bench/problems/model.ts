/** @module */
import * as tf from "@tensorflow/tfjs-core";
import { binary, classification, type LikelihoodLoss, squaredError } from "@precond/tfjs";
import type { Examples } from "./digits.ts";
import { type Evaluation, evaluation } from "./evaluation.ts";
import { type Computed, forward, variational } from "./forward.ts";
import { type LossName, multilayer, outputsOf } from "./layers.ts";
import { type Parameter, parametersOf } from "./placement.ts";
import { type Pass, tensorOperations } from "./tensor_operations.ts";
import { placeWeights, type Start, type Weights } from "./weights.ts";

/** A network in tfjs. */
export interface Model {
  /** What is trained. */
  readonly variables: tf.Variable[];
  /** Of the variables, in their order, where they have such. */
  readonly names?: readonly string[];
  readonly lossName: LossName;
  /** The mean loss over a batch, as a closure that both kinds of optimizer minimise. */
  loss(batch: Batch): LikelihoodLoss | (() => tf.Scalar);
  /** The mean loss over a batch in evaluation: for the variational loss, which nothing else computes. */
  cost(batch: Batch): tf.Scalar;
  /** A row of outputs for each example, or for each position of it, in evaluation. */
  outputs(batch: Batch): tf.Tensor2D;
  dispose(): void;
}

/** A batch on the device. */
export interface Batch {
  readonly x: tf.Tensor2D;
  readonly y: tf.Tensor;
  readonly noise?: tf.Tensor2D;
}

const evaluating: Pass = { training: false, updates: false };

/** Builds a network. */
export function build(start: Start): Model {
  const { loss } = start.network;
  const outputs = outputsOf(start.network);
  const placed = placeWeights(start);
  const variables = new Map<Parameter, tf.Variable>();
  for (const parameter of parametersOf(placed)) {
    const { values, shape, trained } = parameter;
    const made = tf.tidy(() => tf.variable(tf.tensor(values.slice(), [...shape]), trained));
    variables.set(parameter, made);
  }
  const compute = ({ x, noise }: Batch, pass: Pass): Computed<tf.Tensor> =>
    forward<tf.Tensor>(placed, x, {
      ops: tensorOperations(pass),
      weight: (parameter) => variables.get(parameter)!,
      noise,
    });
  const rows = (batch: Batch, pass: Pass) =>
    tf.reshape(compute(batch, pass).outputs, [-1, outputs]) as tf.Tensor2D;
  const cost = (batch: Batch, pass: Pass) =>
    variational(tensorOperations(pass), batch.x, compute(batch, pass)) as tf.Scalar;
  return {
    variables: [...variables.values()].filter(({ trainable }) => trainable),
    names: [...variables.keys()].filter(({ trained }) => trained).map(({ name }) => name),
    lossName: loss,
    outputs: (batch) => rows(batch, evaluating),
    cost: (batch) => cost(batch, evaluating),
    loss(batch) {
      // A step may call it several times, for curvature; its statistics count once.
      let updates = true;
      const pass = (): Pass => {
        const pass = { training: true, updates };
        updates = false;
        return pass;
      };
      if (loss === "variational") return () => cost(batch, pass());
      return losses[loss](() => rows(batch, pass()), batch.y);
    },
    dispose: () => tf.dispose([...variables.values()]),
  };
}

/** Our losses by their names. */
export const losses: Readonly<
  Record<
    Exclude<LossName, "variational">,
    (outputs: () => tf.Tensor, targets: tf.Tensor) => LikelihoodLoss
  >
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
export function upload({ count, features, x, y, noise }: Examples, loss: LossName): Batch {
  return {
    x: tf.tensor2d(x, [count, features]),
    y: loss === "classification"
      ? tf.tensor1d(y, "int32")
      : tf.tensor2d(Float32Array.from(y), [count, y.length / count]),
    ...(noise && { noise: tf.tensor2d(noise, [count, noise.length / count]) }),
  };
}

/** Frees a batch. */
export function drop({ x, y, noise }: Batch): void {
  tf.dispose([x, y, ...(noise ? [noise] : [])]);
}

/** Evaluates a model on a backend that can be read at once. */
export function evaluate(model: Model, batch: Batch): Evaluation {
  const computed = tf.tidy(() => whatIsRead(model, batch));
  const values = computed.dataSync();
  computed.dispose();
  return evaluated(model, computed, values, batch.y.dataSync());
}

/** Evaluates a model on any backend: webgpu has no other way of reading. */
export async function evaluateAsync(model: Model, batch: Batch): Promise<Evaluation> {
  const computed = tf.tidy(() => whatIsRead(model, batch));
  const [values, targets] = await Promise.all([computed.data(), batch.y.data()]);
  computed.dispose();
  return evaluated(model, computed, values, targets);
}

const whatIsRead = (model: Model, batch: Batch): tf.Tensor =>
  model.lossName === "variational" ? model.cost(batch) : model.outputs(batch);

function evaluated(
  { lossName }: Model,
  { shape }: tf.Tensor,
  values: ArrayLike<number>,
  targets: ArrayLike<number>,
): Evaluation {
  if (lossName === "variational") return { loss: values[0]! };
  return evaluation(lossName, values, targets, shape[1]!);
}
