/** @module */

/** Mean cross-entropy and accuracy over all of a batch. */
export interface Evaluation {
  readonly loss: number;
  readonly accuracy: number;
}

/** In float64: the same arithmetic whatever made the logits. */
export function evaluation(
  values: ArrayLike<number>,
  labels: ArrayLike<number>,
  classes: number,
): Evaluation {
  let [loss, correct] = [0, 0];
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i]!;
    if (classes === 1) {
      const z = values[i]!;
      loss += Math.max(z, 0) - z * label + Math.log1p(Math.exp(-Math.abs(z)));
      correct += (z > 0 ? 1 : 0) === label ? 1 : 0;
      continue;
    }
    const at = i * classes;
    let best = 0;
    for (let k = 1; k < classes; k++) if (values[at + k]! > values[at + best]!) best = k;
    let sum = 0;
    for (let k = 0; k < classes; k++) sum += Math.exp(values[at + k]! - values[at + best]!);
    loss += Math.log(sum) + values[at + best]! - values[at + label]!;
    correct += best === label ? 1 : 0;
  }
  return { loss: loss / labels.length, accuracy: correct / labels.length };
}
