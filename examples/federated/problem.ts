/**
 * The task: three classes of points in twenty dimensions, by softmax regression. Each client sees the
 * classes in proportions of its own, as phones and hospitals do.
 */
export const features = 20;
export const classes = 3;

/** Parameters or gradients, by name. */
export interface Arrays {
  /** [features, classes] */
  readonly kernel: Float32Array;
  /** [classes] */
  readonly bias: Float32Array;
}

/** Inputs and the class of each. */
export interface Example {
  readonly x: Float32Array;
  readonly label: number;
}

/** Reproducible numbers, uniform in (0, 1). */
export function source(seed: number): () => number {
  let state = seed * 7919 + 1;
  return () => (state = (state * 48271) % 2147483647) / 2147483647;
}

/** Examples, of which client `k` has mostly class `k % 3`; without a client all classes are as likely. */
export function makeExamples(count: number, seed: number, k?: number): Example[] {
  const uniform = source(seed);
  const normal = () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
  return Array.from({ length: count }, () => {
    const own = k !== undefined && uniform() < 0.7;
    const label = own ? k % classes : Math.floor(uniform() * classes);
    // Features differ in size, and only the first few tell the class.
    const x = Float32Array.from(
      { length: features },
      (_, i) => (normal() + (i % classes === label && i < 9 ? 1 : 0)) * 3 ** (i % 4 - 2),
    );
    return { x, label };
  });
}

/** What a model does on examples: mean loss, share of right answers, mean gradient. */
export interface Outcome {
  readonly loss: number;
  readonly accuracy: number;
  readonly gradients: Arrays;
}

/** Runs the model forward and backward. */
export function lossOf({ kernel, bias }: Arrays, examples: readonly Example[]): Outcome {
  const gradients = { kernel: new Float32Array(kernel.length), bias: new Float32Array(classes) };
  let [loss, right] = [0, 0];
  for (const { x, label } of examples) {
    const logits = Array.from(
      bias,
      (b, c) => b + x.reduce((s, v, i) => s + v * kernel[i * classes + c]!, 0),
    );
    const largest = Math.max(...logits);
    const total = logits.reduce((sum, z) => sum + Math.exp(z - largest), 0);
    loss += (Math.log(total) + largest - logits[label]!) / examples.length;
    if (logits[label] === largest) right += 1 / examples.length;
    logits.forEach((z, c) => {
      const error = (Math.exp(z - largest) / total - (c === label ? 1 : 0)) / examples.length;
      gradients.bias[c]! += error;
      for (let i = 0; i < features; i++) gradients.kernel[i * classes + c]! += error * x[i]!;
    });
  }
  return { loss, accuracy: right, gradients };
}
