/** @module */
import type { ResolvedOptions, TensorEvidence } from "../optimizer/options.ts";
import { partFor } from "../parts/registry.ts";
import { isLikelihood } from "./likelihood_loss.ts";
import type { MeasureRequest } from "./measure_request.ts";
import type { Sampler, Stepping } from "./sampler.ts";

/** Takes evidence from further calls of a closure. */
export interface Measurer {
  /** Gradient evaluations so far. */
  readonly evaluations: number;
  /** The batch size if the closure tells it, and samples (kept) of what is due. */
  measure(request: MeasureRequest): TensorEvidence;
  /** The squares of the gradients of a batch of one, if a piece of the definition takes them, kept. */
  ownSquares: Sampler["ownSquares"];
  /** Disposes what the closures of earlier calls kept. */
  release(): void;
  /** Frees the kernels, too. */
  dispose(): void;
}

/** Makes the measurer of one optimizer. */
export function createMeasurer(stepping: Stepping, options: ResolvedOptions): Measurer {
  let sampler: Sampler | undefined;
  const sampling = () => sampler ??= partFor("sampling", "sample").createSampler(stepping, options);
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
      return { ...told, ...sampling().sample(request, squares ? batchSize : undefined) };
    },
    ownSquares: (definition, gradients) => sampling().ownSquares(definition, gradients),
    release: () => sampler?.release(),
    dispose: () => sampler?.dispose(),
  };
}
