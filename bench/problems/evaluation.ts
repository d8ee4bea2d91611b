/** @module */
import type { LossName } from "./layers.ts";

/** The mean loss over all of a batch, and the share of right answers where there are such. */
export interface Evaluation {
  readonly loss: number;
  readonly accuracy?: number;
}

/**
 * In float64: the same arithmetic whatever made the outputs. Row i of `values` has as many numbers as
 * the network has outputs.
 */
export function evaluation(
  loss: LossName,
  values: ArrayLike<number>,
  targets: ArrayLike<number>,
  outputs: number,
): Evaluation {
  if (loss === "squared") return { loss: squaredError(values, targets) * outputs };
  return loss === "binary" ? logistic(values, targets) : crossEntropy(values, targets, outputs);
}

/** The mean of ½(f − y)² over all elements. */
function squaredError(values: ArrayLike<number>, targets: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < targets.length; i++) sum += (values[i]! - targets[i]!) ** 2;
  return sum / 2 / targets.length;
}

function logistic(values: ArrayLike<number>, labels: ArrayLike<number>): Evaluation {
  let [loss, correct] = [0, 0];
  for (let i = 0; i < labels.length; i++) {
    const [z, label] = [values[i]!, labels[i]!];
    loss += Math.max(z, 0) - z * label + Math.log1p(Math.exp(-Math.abs(z)));
    correct += (z > 0 ? 1 : 0) === label ? 1 : 0;
  }
  return { loss: loss / labels.length, accuracy: correct / labels.length };
}

function crossEntropy(
  values: ArrayLike<number>,
  labels: ArrayLike<number>,
  classes: number,
): Evaluation {
  let [loss, correct] = [0, 0];
  for (let i = 0; i < labels.length; i++) {
    const [at, label] = [i * classes, labels[i]!];
    let best = 0;
    for (let k = 1; k < classes; k++) if (values[at + k]! > values[at + best]!) best = k;
    let sum = 0;
    for (let k = 0; k < classes; k++) sum += Math.exp(values[at + k]! - values[at + best]!);
    loss += Math.log(sum) + values[at + best]! - values[at + label]!;
    correct += best === label ? 1 : 0;
  }
  return { loss: loss / labels.length, accuracy: correct / labels.length };
}
