/** @module */
import type { CurvatureSource } from "@precond/core";
import * as tf from "@tensorflow/tfjs-core";
import { extraGradients } from "./extra_call.ts";
import { hutchinsonSample } from "./hutchinson.ts";
import { isLikelihood } from "./likelihood.ts";

/** What a sample is taken from. */
export interface CurvatureRequest {
  readonly source: CurvatureSource | undefined;
  readonly due: boolean;
  readonly closure: () => tf.Scalar;
  readonly variables: tf.Variable[];
  readonly seed: number;
  readonly differenceStep: number;
}

/** The batch size if the closure tells it, and a sample (kept) if one is due. */
export function curvatureSample(
  request: CurvatureRequest,
): { batchSize?: number; sample?: tf.NamedTensorMap } {
  const { source, due, closure, variables, seed, differenceStep } = request;
  const likelihood = isLikelihood(closure) ? closure : undefined;
  const batchSize = likelihood?.batchSize();
  const size = batchSize === undefined ? {} : { batchSize };
  if (!due || !source) return size;
  switch (source.kind) {
    case "hutchinson":
      return { ...size, sample: hutchinsonSample(closure, variables, { seed, differenceStep }) };
    case "gaussNewton":
    case "fisher": {
      if (!likelihood) {
        throw new TypeError(
          `Cannot sample ${source.kind} curvature: the closure gives only a loss; pass classification(), binary() or squaredError() to minimize(), or use hutchinson()`,
        );
      }
      const { value, gradients } = extraGradients(() => likelihood.resampled(seed), variables);
      value.dispose();
      const sample: tf.NamedTensorMap = {};
      for (const [name, g] of Object.entries(gradients)) {
        sample[name] = tf.keep(tf.tidy(() => tf.mul(tf.square(g), batchSize!)));
        g.dispose();
      }
      return { ...size, sample };
    }
    default:
      throw new TypeError(
        "Cannot sample curvature: the chain wants user-supplied samples, which go to applyGradients(gradients, { curvature })",
      );
  }
}
