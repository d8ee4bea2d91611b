/** What a network learns from and is judged by, as plain arrays that go to a worker. */

/** Examples: rows of inputs, and the number of each one's class. */
export interface Examples {
  /** [count, width], row after row. */
  readonly inputs: Float32Array<ArrayBuffer>;
  readonly labels: Int32Array<ArrayBuffer>;
}

/** A task: three sets that share no example. */
export interface Task {
  /** Numbers in an example. */
  readonly width: number;
  readonly classes: number;
  readonly train: Examples;
  /** Labelled as the training set is, wrong labels included: learning rates are chosen by it. */
  readonly validation: Examples;
  /** Labelled rightly, as far as that is known. */
  readonly test: Examples;
  /** Where the examples are points of the plane: those of the training set, within [−1, 1]². */
  readonly points?: Float32Array<ArrayBuffer>;
  /** The inputs of the points of the map of decisions. */
  readonly grid?: Float32Array<ArrayBuffer>;
}

/** How examples are made. */
export interface TaskOptions {
  readonly seed: number;
  /** Training examples. */
  readonly count: number;
  /** The fraction of training labels that is replaced by another one's. */
  readonly labelNoise: number;
  /** Inputs of pure noise that are added to each example. */
  readonly useless: number;
  /** How much shorter the plane is along its diagonal, at least 1. */
  readonly squeeze: number;
}

/** Replaces a fraction of the labels by another class, drawn evenly from the others. */
export function mislabel(
  labels: Int32Array<ArrayBuffer>,
  { classes, fraction, uniform }: {
    readonly classes: number;
    readonly fraction: number;
    readonly uniform: () => number;
  },
): Int32Array<ArrayBuffer> {
  return labels.map((label) => {
    const [wrong, which] = [uniform() < fraction, Math.floor(uniform() * (classes - 1))];
    return wrong ? (label + 1 + which) % classes : label;
  });
}
