/**
 * What telemetry says of clipping, for Deno and for pages.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs-core";
import {
  chain,
  clipByGlobalNorm,
  clipByValue,
  learningRate,
  precond,
  scaleBy,
  signalFraction,
  skipNonFinite,
  type TelemetryReport,
} from "../mod.ts";

/** Gradients of two variables, step by step. */
const steps: readonly (readonly [a: number[], b: number[]])[] = [
  [[-3, 0.5, 1, 2], [0.25]],
  [[0.5, 0.5, 0, 0], [9]],
  [[NaN, 9, 9, 9], [9]],
];

/** With bounds 1 and 1.6: clipped to (−1, .5, 1, 1 | .25), ‖·‖² = 3.31 > 1.6² = 2.56; then to
 * (.5, .5, 0, 0 | 1), ‖·‖² = 1.5; the third step is held. */
export const expectedClipped: readonly TelemetryReport["clipped"][] = [
  {
    elements: 2,
    norm: true,
    variables: { a: { elements: 2, norm: true }, b: { elements: 0, norm: true } },
  },
  {
    elements: 1,
    norm: false,
    variables: { a: { elements: 0, norm: false }, b: { elements: 1, norm: false } },
  },
  {
    elements: 0,
    norm: false,
    variables: { a: { elements: 0, norm: false }, b: { elements: 0, norm: false } },
  },
];

/** What is reported after each step; throws if a tensor is left. */
export async function clippedReports(): Promise<TelemetryReport["clipped"][]> {
  const before = tf.memory().numTensors;
  const variables = steps[0]!.map((values, i) =>
    tf.tidy(() => tf.variable(tf.zeros([values.length]), true, "ab"[i]))
  );
  const optimizer = precond(chain(
    skipNonFinite(),
    clipByValue(1),
    clipByGlobalNorm(1.6),
    scaleBy(signalFraction()),
    learningRate(0.1),
  ));
  const found: TelemetryReport["clipped"][] = [];
  for (const gradients of steps) {
    const report = new Promise<TelemetryReport>((onReport, onError) => {
      const stop = optimizer.telemetry({
        every: 1,
        onError,
        onReport: (r) => (stop(), onReport(r)),
      });
    });
    const tensors = gradients.map((g) => tf.tensor1d(g));
    optimizer.applyGradients(variables.map(({ name }, i) => ({ name, tensor: tensors[i]! })));
    found.push((await report).clipped);
    tf.dispose(tensors);
  }
  optimizer.dispose();
  tf.dispose(variables);
  const left = tf.memory().numTensors - before;
  if (left !== 0) throw new Error(`${left} tensors are left`);
  return found;
}
