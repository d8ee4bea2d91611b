/** @module */
import type { Backend } from "@precond/core/backend";
import type * as tf from "@tensorflow/tfjs-core";
import type { TensorEvidence } from "../optimizer/options.ts";
import { partFor } from "../parts/registry.ts";
import { isLikelihood } from "./likelihood_loss.ts";
import type { MeasureRequest } from "./measure_request.ts";
import type { Sampler } from "./sampler.ts";

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

/** Makes the measurer of one optimizer. */
export function createMeasurer(backend: Backend<tf.Tensor>, differenceStep: number): Measurer {
  let sampler: Sampler | undefined;
  return {
    get evaluations() {
      return sampler?.evaluations ?? 0;
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
      sampler ??= partFor("sampling", "sample").createSampler(backend, differenceStep);
      return { ...told, ...sampler.sample(request, squares ? batchSize : undefined) };
    },
    release: () => sampler?.release(),
    dispose: () => sampler?.dispose(),
  };
}
