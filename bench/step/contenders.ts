/** @module */
import { adam, precond, sgd } from "@precond/tfjs";
import * as tf from "@tensorflow/tfjs-core";
import type { Contender } from "../overhead/contenders.ts";
import { digits, pick, range } from "../problems/digits.ts";
import { type Batch, dense, upload } from "../problems/model.ts";
import { gradientsOnly, type StepCase } from "./rows.ts";

/** Batches that are taken in turn: uploading is part of no step. */
const count = 8;

/** Digits in batches, which the caller disposes. */
export function digitBatches({ batchSize }: Pick<StepCase, "batchSize">): Batch[] {
  const { train } = digits();
  return Array.from(
    { length: count },
    (_, i) => upload(pick(train, range(i * batchSize, (i + 1) * batchSize)), "classification"),
  );
}

/** What every optimizer is asked for, ours and the host's. */
type Minimize = Pick<tf.Optimizer, "minimize" | "dispose">;

const [rate, momentum] = [1e-3, 0.9];

const optimizers: Readonly<Record<string, () => Minimize>> = {
  "adam": () => precond(adam({ learningRate: rate, epsilon: 1e-7 })),
  "tf.train.adam": () => tf.train.adam(rate, 0.9, 0.999, 1e-7),
  "sgd momentum": () => precond(sgd({ learningRate: rate, momentum })),
  "tf.train.momentum": () => tf.train.momentum(rate, momentum),
};

/** Steps of one network from the same weights, once for each optimizer, and gradients alone. */
export function stepContenders(
  sizes: readonly number[],
  batches: readonly Batch[],
): Contender[] {
  const contender = (name: string, optimizer?: Minimize): Contender => {
    const model = dense(sizes, 1);
    let taken = 0;
    return {
      name,
      variables: model.variables,
      step() {
        const loss = model.loss(batches[taken++ % batches.length]!);
        // As model.fit() does, which asks for the loss of every batch.
        if (optimizer) optimizer.minimize(loss, true, model.variables)?.dispose();
        else tf.dispose(Object.values(tf.variableGrads(loss, model.variables)));
      },
      dispose() {
        optimizer?.dispose();
        model.dispose();
      },
    };
  };
  return [
    ...Object.entries(optimizers).map(([name, make]) => contender(name, make())),
    contender(gradientsOnly),
  ];
}
