/** @module */
import type { CurvatureSource } from "@precond/core";
import type { Backend } from "@precond/core/backend";
import * as tf from "@tensorflow/tfjs-core";
import type { TensorEvidence } from "../optimizer/options.ts";
import { extraGradients } from "./extra_call.ts";
import { hutchinsonSampler } from "./hutchinson.ts";
import { isLikelihood } from "./likelihood_loss.ts";
import type { MeasureRequest } from "./measure_request.ts";
import { undisturbed } from "./undisturbed.ts";
import { createWrappedSamples } from "./wrapped_samples.ts";

/** Takes samples by further calls of a closure. */
export interface Sampler {
  /** Gradient evaluations so far. */
  readonly evaluations: number;
  /**
   * Samples, kept, of the request's source, if it has one, and of the squares of a batch's gradients, if
   * its size is given.
   */
  sample(request: MeasureRequest, squaresOf: number | undefined): TensorEvidence;
  /** Disposes what the closures of earlier calls kept. */
  release(): void;
  /** Frees the kernels, too. */
  dispose(): void;
}

/** B · g², kept; disposes g. */
function scaledSquares(gradients: tf.NamedTensorMap, batchSize: number): tf.NamedTensorMap {
  const squares: tf.NamedTensorMap = {};
  for (const [name, g] of Object.entries(gradients)) {
    squares[name] = tf.keep(tf.tidy(() => tf.mul(tf.square(g), batchSize)));
    g.dispose();
  }
  return squares;
}

/** Makes the sampler of one optimizer. */
export function createSampler(backend: Backend<tf.Tensor>, differenceStep: number): Sampler {
  const hutchinson = hutchinsonSampler(backend, differenceStep);
  const kept = new Set<tf.Tensor>();
  let evaluations = 0;
  const gradientsOf: typeof extraGradients = (f, variables, options) => {
    evaluations++;
    return extraGradients(f, variables, { ...options, kept });
  };
  const wrapped = createWrappedSamples(gradientsOf);

  const curvatureSample = (request: MeasureRequest, source: CurvatureSource) => {
    const { closure, variables, session, seed } = request;
    const { kind } = source;
    if (kind === "hutchinson") {
      return hutchinson.sample(closure, variables, { seed, gradientsOf });
    }
    if (kind !== "gaussNewton" && kind !== "fisher") {
      throw new TypeError(
        "Cannot sample curvature: the chain wants user-supplied samples, which go to applyGradients(gradients, { curvature })",
      );
    }
    if (isLikelihood(closure)) {
      const { value, gradients } = gradientsOf(() => closure.resampled(seed), variables);
      value.dispose();
      return scaledSquares(gradients, closure.batchSize());
    }
    if (session.answers > 0) return wrapped.labels(closure, variables, kind, seed);
    throw new TypeError(
      `Cannot sample ${kind} curvature: the closure gives only a loss; pass classification(), binary() or squaredError() to minimize(), wrap the loss of a layers model in evidenceLoss(), or use hutchinson()`,
    );
  };

  const squaresSample = ({ closure, variables, seed }: MeasureRequest, batchSize: number) => {
    // 503: apart from the seeds of labels and directions.
    if (!isLikelihood(closure)) return wrapped.signs(closure, variables, batchSize, seed + 503);
    const { value, gradients } = gradientsOf(() => closure.signed!(seed + 503), variables);
    value.dispose();
    return scaledSquares(gradients, batchSize);
  };

  const release = () => {
    for (const t of kept) if (!t.isDisposed) t.dispose();
    kept.clear();
  };

  return {
    get evaluations() {
      return evaluations;
    },
    sample: (request, batchSize) =>
      undisturbed(() => {
        const { source } = request;
        const curvature = source && curvatureSample(request, source);
        try {
          const gradientSquares = batchSize === undefined
            ? undefined
            : squaresSample(request, batchSize);
          return {
            ...(curvature ? { curvature } : {}),
            ...(gradientSquares ? { gradientSquares, microBatches: batchSize! } : {}),
          };
        } catch (error) {
          if (curvature) tf.dispose(curvature);
          throw error;
        }
      }),
    release,
    dispose() {
      release();
      hutchinson.dispose();
    },
  };
}
