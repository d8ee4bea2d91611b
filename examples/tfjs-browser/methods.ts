/** The optimizers to choose from. */
import {
  chain,
  type Definition,
  expr,
  gaussNewton,
  inverseCurvature,
  inverseRms,
  learningRate,
  momentum,
  type PreconditionerEstimator,
  scaleBy,
  signalFraction,
} from "@precond/tfjs";

/** Decay of the moments that T is made from: a memory of 100 steps. */
export const decay = 0.99;

/** An optimizer whose telemetry knows the noise of the raw gradient. */
export interface Method {
  readonly label: string;
  readonly rule: string;
  /** The rate that suits it here. */
  readonly rate: number;
  /** The piece with the moments m and d behind the T that is applied, or would be: for the map. */
  readonly fraction: string;
  make(rate: number): Definition;
}

/** Looks on: keeps the moments of a signal fraction, for telemetry, and multiplies by 1. */
function watch(): PreconditionerEstimator {
  const { spec: _, ...watched } = signalFraction({ decay });
  return {
    ...watched,
    name: "watch",
    estimate: (inputs) => ({ ...watched.estimate(inputs), factor: expr.constant(1) }),
  };
}

const rms = { decay: 0.999, epsilon: 1e-7 };

const curvature = () =>
  scaleBy(inverseCurvature(gaussNewton({ every: 5 }), { decay: 0.95, damping: 0.03, stepClip: 1 }));

export const methods: Readonly<Record<string, Method>> = {
  adam: {
    label: "Adam",
    rule: "w −= η m / √v",
    rate: 0.01,
    fraction: "watch",
    make: (rate) =>
      chain(
        scaleBy(watch()),
        scaleBy(inverseRms(rms), { to: momentum({ decay: 0.9 }) }),
        learningRate(rate),
      ),
  },
  adamT: {
    label: "Adam · T",
    rule: "w −= η T g / √v",
    rate: 0.03,
    fraction: "signalFraction",
    make: (rate) =>
      chain(
        scaleBy(watch()),
        scaleBy(inverseRms(rms)),
        scaleBy(signalFraction({ decay })),
        learningRate(rate),
      ),
  },
  curvature: {
    label: "Curvature",
    rule: "w −= η H⁻¹ g",
    rate: 0.03,
    fraction: "watch",
    make: (rate) =>
      chain(scaleBy(watch()), curvature(), momentum({ decay: 0.9 }), learningRate(rate)),
  },
  combined: {
    label: "Combined",
    rule: "w −= η H⁻¹ T g",
    rate: 0.1,
    fraction: "signalFraction",
    make: (rate) =>
      chain(
        scaleBy(signalFraction({ decay })),
        curvature(),
        momentum({ decay: 0.9 }),
        learningRate(rate),
      ),
  },
};
