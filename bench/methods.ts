/** @module */
import {
  adam,
  adamW,
  chain,
  combined,
  curvatureOnly,
  type CurvatureSource,
  type Definition,
  diagonalNewton,
  gaussNewton,
  inverseCurvature,
  learningRate as rate,
  scaleBy,
  type Schedule,
  sgd,
  signalFraction,
  type SignalFractionOptions,
  signalNewton,
  signalSgd,
  snrOnly,
  userCurvature,
} from "@precond/core";
import { inverseRms } from "@precond/core/pieces";
import type { OracleMethod } from "@precond/core/reference";
import { oracleFactor } from "./problems/oracle.ts";

/** The purpose a method serves: neither, one of the two, or both. */
export type Mode = "none" | "curvature" | "snr" | "combined";

/** Where a method is used: exact curvature at hand, or a network that has to sample it. */
export type Setting = "theory" | "network";

/** How the learning rate is given: a number, or a schedule. */
export type Rate = number | Schedule;

/** Something to compare. */
export interface Method {
  readonly name: string;
  /** For people. */
  readonly title: string;
  readonly mode: Mode;
  readonly about: string;
  /** The middle of the learning-rate grid. */
  readonly centre: Readonly<Record<Setting, number>>;
  readonly settings: readonly Setting[];
  /** Its preconditioner is known exactly, so that theory predicts its risk. */
  readonly predictedAs?: OracleMethod;
  /** It is told what no training run can know. */
  readonly oracle?: boolean;
  /** The host's own optimizer takes the place of `definition` on networks. */
  readonly host?: "adam";
  /** Runs without options, at the rate that `centre` says is its default: nothing is tuned. */
  readonly shipped?: boolean;
  /** Left out of the quick suite unless asked for by name. */
  readonly fullOnly?: boolean;
  /** It runs in the eigenbasis of the curvature, which the problem has to provide. */
  readonly eigenbasis?: boolean;
  definition(learningRate: Rate, setting: Setting): Definition;
}

/**
 * Exact on the theory problems; sampled every 10 steps, smoothed and damped on networks. One damping
 * for all of them: a Gauss-Newton sample is a squared Gaussian, so that its first averages are near
 * 0 in many places, and 0.01 instead of 0.1 cost both kinds of network.
 */
function curvatureOptions(setting: Setting): {
  curvature: CurvatureSource;
  curvatureDecay: number;
  damping: number;
} {
  return setting === "theory"
    ? { curvature: userCurvature(), curvatureDecay: 0, damping: 0 }
    : { curvature: gaussNewton({ every: 10 }), curvatureDecay: 0.99, damping: 0.1 };
}

/** The memory anneals by itself on the theory problems; networks do not stand still. */
function fraction(setting: Setting): SignalFractionOptions {
  return setting === "theory" ? { memory: "adaptive" } : { decay: 0.99 };
}

const both: readonly Setting[] = ["theory", "network"];
const theory: readonly Setting[] = ["theory"];
const network: readonly Setting[] = ["network"];

function combinedIn(order: "snr" | "curvature"): Method["definition"] {
  return (learningRate, setting) =>
    signalNewton({
      curvatureWarmup: 1,
      stepClip: Infinity,
      learningRate,
      first: order,
      momentum: 0,
      ...curvatureOptions(setting),
      ...fraction(setting),
    });
}

/** Every method, in the order of tables and legends. */
export const methods: readonly Method[] = [
  {
    name: "sgd",
    title: "SGD",
    mode: "none",
    about: "w −= η g.",
    centre: { theory: 0.1, network: 0.2 },
    settings: both,
    predictedAs: "sgd",
    definition: (learningRate) => sgd({ learningRate }),
  },
  {
    name: "momentum",
    title: "SGD + momentum 0.9",
    mode: "none",
    about: "Heavy-ball SGD.",
    centre: { theory: 0.05, network: 0.03 },
    settings: both,
    definition: (learningRate) => sgd({ learningRate, momentum: 0.9 }),
  },
  {
    name: "adam",
    title: "Adam",
    mode: "none",
    about:
      "tf.train.adam on networks in tfjs, ours on ONNX Runtime and the theory problems; ε = 1e-7.",
    centre: { theory: 0.05, network: 0.004 },
    settings: both,
    host: "adam",
    definition: (learningRate) => adam({ learningRate, epsilon: 1e-7 }),
  },
  {
    name: "precond-adam",
    title: "Adam (ours)",
    mode: "none",
    about: "Our Adam on networks; should match the host's.",
    fullOnly: true,
    centre: { theory: 0.05, network: 0.004 },
    settings: network,
    definition: (learningRate) => adam({ learningRate, epsilon: 1e-7 }),
  },
  {
    name: "adamw",
    title: "AdamW, decay 0.01",
    mode: "none",
    about: "Our Adam with decoupled weight decay 0.01; ε = 1e-7.",
    fullOnly: true,
    centre: { theory: 0.05, network: 0.004 },
    settings: network,
    definition: (learningRate) => adamW({ learningRate, weightDecay: 0.01, epsilon: 1e-7 }),
  },
  {
    name: "curvature",
    title: "curvature only, H⁻¹",
    mode: "curvature",
    about: "Exact diagonal curvature on the theory problems, Gauss-Newton samples on networks.",
    centre: { theory: 0.1, network: 0.02 },
    settings: both,
    predictedAs: "curvature",
    definition: (learningRate, setting) =>
      diagonalNewton({
        curvatureWarmup: 1,
        stepClip: Infinity,
        learningRate,
        ...curvatureOptions(setting),
      }),
  },
  {
    name: "snr",
    title: "SNR only, T",
    mode: "snr",
    about: "T at full strength on the raw gradient; T estimated from the steps.",
    centre: { theory: 1, network: 1 },
    settings: both,
    definition: (learningRate, setting) => signalSgd({ learningRate, ...fraction(setting) }),
  },
  {
    name: "rms-snr",
    title: "RMS, T",
    mode: "snr",
    about: "T at full strength on the RMS-normalised gradient, no momentum.",
    centre: { theory: 0.05, network: 0.02 },
    settings: network,
    definition: (learningRate) =>
      chain(
        scaleBy(inverseRms({ epsilon: 1e-7 })),
        scaleBy(signalFraction({ decay: 0.99 })),
        rate(learningRate),
      ),
  },
  {
    name: "rms-snr-half",
    title: "RMS, T^½ unit-norm",
    mode: "snr",
    about: "T^½ with the expected update norm kept per tensor, on the RMS-normalised gradient.",
    centre: { theory: 0.05, network: 0.008 },
    settings: network,
    definition: (learningRate) =>
      chain(
        scaleBy(inverseRms({ epsilon: 1e-7 })),
        scaleBy(signalFraction({ decay: 0.99, exponent: 0.5, scale: "unit-norm" })),
        rate(learningRate),
      ),
  },
  {
    name: "snrOnly",
    title: "snrOnly()",
    mode: "snr",
    about: "√T on the RMS-normalised gradient, as shipped: no options, nothing tuned.",
    centre: { theory: 0.05, network: 0.05 },
    settings: network,
    shipped: true,
    definition: () => snrOnly(),
  },
  {
    name: "curvatureOnly",
    title: "curvatureOnly()",
    mode: "curvature",
    about: "The Kronecker eigenbasis without T, as shipped: no options, nothing tuned.",
    centre: { theory: 0.004, network: 0.004 },
    settings: network,
    shipped: true,
    definition: () => curvatureOnly(),
  },
  {
    name: "combined",
    title: "combined()",
    mode: "combined",
    about: "√T in the Kronecker eigenbasis, as shipped: no options, nothing tuned.",
    centre: { theory: 0.04, network: 0.04 },
    settings: network,
    shipped: true,
    definition: () => combined(),
  },
  {
    name: "combined-both-sides",
    title: "combined(), both sides",
    mode: "combined",
    about: "combined() with every side up to 256 rotated, whatever it costs; nothing tuned.",
    fullOnly: true,
    centre: { theory: 0.04, network: 0.04 },
    settings: network,
    shipped: true,
    definition: () => combined({ basis: { sides: "both" } }),
  },
  {
    name: "combined-ht",
    title: "combined, H⁻¹T",
    mode: "combined",
    about: "T estimated on g, then H⁻¹.",
    centre: { theory: 1 / 3, network: 0.1 },
    settings: both,
    definition: combinedIn("snr"),
  },
  {
    name: "combined-th",
    title: "combined, TH⁻¹",
    mode: "combined",
    about: "H⁻¹ first, T estimated on H⁻¹g.",
    centre: { theory: 1 / 3, network: 0.1 },
    settings: both,
    definition: combinedIn("curvature"),
  },
  {
    name: "combined-eigen",
    title: "combined, in H's eigenbasis",
    mode: "combined",
    about: "Bᵀ D B with the eigenvectors of H: T and H⁻¹ where H is diagonal.",
    centre: { theory: 1 / 3, network: 0.1 },
    settings: theory,
    eigenbasis: true,
    definition: combinedIn("snr"),
  },
  {
    name: "adam-oracle",
    title: "Adam-like (oracle)",
    mode: "none",
    about: "a/√E[g²] with the true second moment.",
    centre: { theory: 0.05, network: 0.002 },
    settings: theory,
    predictedAs: "adam",
    oracle: true,
    definition: (learningRate) => chain(scaleBy(oracleFactor()), rate(learningRate)),
  },
  {
    name: "snr-oracle",
    title: "SNR only (oracle T)",
    mode: "snr",
    about: "T from the true mean and variance of the gradient.",
    centre: { theory: 1, network: 1 },
    settings: theory,
    predictedAs: "snr",
    oracle: true,
    definition: (learningRate) => chain(scaleBy(oracleFactor()), rate(learningRate)),
  },
  {
    name: "combined-oracle",
    title: "combined (oracle T)",
    mode: "combined",
    about: "The true T, then exact H⁻¹.",
    centre: { theory: 1, network: 0.1 },
    settings: theory,
    predictedAs: "combined",
    oracle: true,
    definition: (learningRate) =>
      chain(
        scaleBy(oracleFactor()),
        scaleBy(inverseCurvature(userCurvature(), { decay: 0, damping: 0 })),
        rate(learningRate),
      ),
  },
];

/** The method of that name. */
export function methodNamed(name: string): Method {
  const found = methods.find((method) => method.name === name);
  if (!found) throw new RangeError(`Cannot find method "${name}"`);
  return found;
}
