/** @module */
import type { CurvatureSource, Definition } from "@precond/core";
import { type Backend, type Driver, takesRawSquares } from "@precond/core/backend";
import * as tf from "@tensorflow/tfjs-core";
import type { ResolvedOptions, TensorEvidence } from "../optimizer/options.ts";
import { extraGradients } from "./extra_call.ts";
import { hutchinsonSampler } from "./hutchinson.ts";
import { isLikelihood } from "./likelihood_loss.ts";
import type { MeasureRequest } from "./measure_request.ts";
import { undisturbed } from "./undisturbed.ts";
import { createWrappedSamples } from "./wrapped_samples.ts";

/** What the sampler uses of the optimizer's states. */
export interface Stepping {
  readonly driver: Driver<tf.Tensor>;
  readonly backend: Backend<tf.Tensor>;
}

/** Takes samples by further calls of a closure. */
export interface Sampler {
  /** Gradient evaluations so far. */
  readonly evaluations: number;
  /**
   * Samples, kept, of the request's source, if it has one, and of the squares of a batch's gradients, if
   * its size is given.
   */
  sample(request: MeasureRequest, squaresOf: number | undefined): TensorEvidence;
  /**
   * The squares of the gradients of a batch of one, kept, if a piece of the definition takes them: the mean
   * squared gradient of the examples is that of the only one.
   */
  ownSquares(definition: Definition, gradients: tf.NamedTensorMap): TensorEvidence;
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
export function createSampler({ driver, backend }: Stepping, options: ResolvedOptions): Sampler {
  const hutchinson = hutchinsonSampler(backend, options.differenceStep);
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

  /** As `driver.curvatureDue()`: by the updates of these variables. */
  const squaresDue = (variables: readonly tf.Variable[]) => {
    const states = driver.state().parameters;
    let steps = 0;
    for (const { name } of variables) {
      const known = states.get(name);
      if (!known?.samples.gradientSquares) return true;
      steps = Math.max(steps, known.step);
    }
    return steps % options.squaresEvery === 0;
  };

  const release = () => {
    for (const t of kept) if (!t.isDisposed) t.dispose();
    kept.clear();
  };

  return {
    get evaluations() {
      return evaluations;
    },
    sample(request, batchSize) {
      const { source, variables } = request;
      const squares = batchSize !== undefined && squaresDue(variables);
      if (!source && !squares) return {};
      return undisturbed(() => {
        const curvature = source && curvatureSample(request, source);
        try {
          const gradientSquares = squares ? squaresSample(request, batchSize) : undefined;
          return {
            ...(curvature ? { curvature } : {}),
            ...(gradientSquares ? { gradientSquares, microBatches: batchSize! } : {}),
          };
        } catch (error) {
          if (curvature) tf.dispose(curvature);
          throw error;
        }
      });
    },
    ownSquares(definition, gradients) {
      if (!takesRawSquares(definition)) return {};
      const squares = Object.entries(gradients).filter(([, g]) => g != null)
        .map(([name, g]) => [name, tf.keep(tf.tidy(() => tf.square(g)))] as const);
      return { gradientSquares: Object.fromEntries(squares), microBatches: 1 };
    },
    release,
    dispose() {
      release();
      hutchinson.dispose();
    },
  };
}
