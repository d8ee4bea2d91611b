/** @module */
import type { CurvatureSource } from "@precond/core";
import type { Backend } from "@precond/core/backend";
import * as tf from "@tensorflow/tfjs-core";
import type { TensorEvidence } from "../optimizer/options.ts";
import { extraGradients } from "./extra_call.ts";
import { hutchinsonSampler } from "./hutchinson.ts";
import { isLikelihood } from "./likelihood_loss.ts";
import type { Session } from "./session.ts";
import { undisturbed } from "./undisturbed.ts";
import { createWrappedSamples } from "./wrapped_samples.ts";

/** What a step's extra calls are made for. */
export interface MeasureRequest {
  readonly closure: () => tf.Scalar;
  readonly variables: readonly tf.Variable[];
  /** What was heard during the call for the gradient. */
  readonly session: Session;
  /** Set if a curvature sample is due. */
  readonly source: CurvatureSource | undefined;
  /** Whether `gradientSquares` are due, if the closure can give signs. */
  readonly squares: boolean;
  readonly seed: number;
}

/** Takes evidence from further calls of a closure. */
export interface Measurer {
  /** Gradient evaluations so far. */
  readonly evaluations: number;
  /** The batch size if the closure tells it, and samples (kept) of what is due. */
  measure(request: MeasureRequest): TensorEvidence;
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

/** Makes the measurer of one optimizer. */
export function createMeasurer(backend: Backend<tf.Tensor>, differenceStep: number): Measurer {
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
    measure(request) {
      const { closure, session, source } = request;
      const likelihood = isLikelihood(closure) ? closure : undefined;
      const batchSize = likelihood ? likelihood.batchSize() : session.batchSize;
      const told = batchSize === undefined ? {} : { batchSize };
      const canSign = likelihood ? likelihood.signed !== undefined : session.answers > 0;
      // One example has no noise to tell.
      const squares = request.squares && canSign && batchSize !== undefined && batchSize > 1;
      if (!source && !squares) return told;
      return undisturbed(() => {
        const curvature = source && curvatureSample(request, source);
        try {
          const gradientSquares = squares ? squaresSample(request, batchSize) : undefined;
          return {
            ...told,
            ...(curvature ? { curvature } : {}),
            ...(gradientSquares ? { gradientSquares, microBatches: batchSize! } : {}),
          };
        } catch (error) {
          if (curvature) tf.dispose(curvature);
          throw error;
        }
      });
    },
    release,
    dispose() {
      release();
      hutchinson.dispose();
    },
  };
}
