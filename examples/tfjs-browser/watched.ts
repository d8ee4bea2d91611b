/** Optimizers with pieces in front of them that look on. */
import {
  type Chain,
  chain,
  expr,
  inBasis,
  type PreconditionerEstimator,
  scaleBy,
  signalFraction,
} from "@precond/tfjs";

/** Decay of the moments that maps of T are made from: a memory of 100 steps. */
export const decay = 0.99;
/** The piece that keeps these moments, in front of every optimizer. */
export const watcher = "watch";

/** An estimator that looks on: it keeps what it estimates under a name, and multiplies by 1. */
export function lookOn(name: string, estimator: PreconditionerEstimator): PreconditionerEstimator {
  const { spec: _, ...watched } = estimator;
  return {
    ...watched,
    name,
    estimate: (inputs) => ({ ...watched.estimate(inputs), factor: expr.constant(1) }),
  };
}

/** Keeps the moments of a signal fraction, for map and telemetry. */
export function watchSignal(): PreconditionerEstimator {
  return lookOn(watcher, signalFraction({ decay }));
}

/** The same optimizer with estimators that look on in front of it, where they see raw gradients. */
export function watched(
  { basis, stages }: Chain,
  ...watchers: readonly PreconditionerEstimator[]
): Chain {
  const of = (inside: boolean) =>
    stages.filter((stage) => stage.inside === inside).map(({ transform }) => transform);
  // In these optimizers what works in a basis comes first.
  return chain(
    ...watchers.map((watch) => scaleBy(watch)),
    ...(basis ? [inBasis(basis, ...of(true))] : []),
    ...of(false),
  );
}
