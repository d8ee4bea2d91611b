/** The optimizers to choose from, as they are. */
import {
  adam,
  type Chain,
  chain,
  combined,
  curvatureOnly,
  expr,
  inBasis,
  type PreconditionerEstimator,
  scaleBy,
  signalFraction,
  signalSgd,
  snrOnly,
} from "@precond/tfjs";

/** Decay of the moments that the map of T is made from: a memory of 100 steps. */
export const decay = 0.99;
/** The piece that keeps these moments, in front of every optimizer. */
export const watcher = "watch";

/** An optimizer and how it is shown. */
export interface Method {
  readonly label: string;
  readonly rule: string;
  /** The rate to start from, after a warm-up if it has one. */
  readonly rate: number;
  /** The optimizer, with a piece in front of it that sees the raw gradient. */
  make(rate: number): Chain;
}

/** Looks on: keeps the moments of a signal fraction, for map and telemetry, and multiplies by 1. */
function watch(): PreconditionerEstimator {
  const { spec: _, ...watched } = signalFraction({ decay });
  return {
    ...watched,
    name: watcher,
    estimate: (inputs) => ({ ...watched.estimate(inputs), factor: expr.constant(1) }),
  };
}

/** The same optimizer with {@linkcode watch} in front of it. */
function watched({ basis, stages }: Chain): Chain {
  const of = (inside: boolean) =>
    stages.filter((stage) => stage.inside === inside).map(({ transform }) => transform);
  // In these optimizers what works in a basis comes first.
  return chain(scaleBy(watch()), ...(basis ? [inBasis(basis, ...of(true))] : []), ...of(false));
}

type Alias = (options: { learningRate?: number }) => Chain;

/** An optimizer without options, but for another rate that is asked for. */
function method(label: string, rule: string, alias: Alias, rate?: number): Method {
  return {
    label,
    rule,
    // Its own: what it has reached long after any warm-up.
    rate: rate ?? alias({}).learningRate!(1e6),
    make: (learningRate) => watched(alias({ learningRate })),
  };
}

export const methods: Readonly<Record<string, Method>> = {
  // Adam has the best of 0.001 (its default), 0.003, 0.01, 0.03 and 0.1, without wrong labels.
  adam: method("Adam", "w −= η m / √v", adam, 0.03),
  snrOnly: method("snrOnly()", "w −= η √T g / √v", snrOnly),
  curvatureOnly: method("curvatureOnly()", "w −= η B Bᵀg / √v", curvatureOnly),
  combined: method("combined()", "w −= η B √T Bᵀg / √v", combined),
  signalSgd: method("signalSgd()", "w −= η T g", signalSgd),
};
