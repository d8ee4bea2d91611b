/**
 * The factors of the theory one at a time and together: H⁻¹, T, and both.
 *
 * @module
 */
import {
  chain,
  type CurvatureSource,
  diagonalNewton,
  gaussNewton,
  learningRate as rate,
  scaleBy,
  signalFraction,
  type SignalFractionOptions,
  signalNewton,
  signalSgd,
  userCurvature,
} from "@precond/core";
import { inBasis, inverseRms, kronecker } from "@precond/core/pieces";
import { both, type Method, network, onNetworks, type Setting, theory } from "./method.ts";

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

/** Each with the rate tuned. */
export const pieceMethods: readonly Method[] = [
  {
    name: "curvature",
    title: "curvature only, H⁻¹",
    family: "pieces",
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
    family: "pieces",
    mode: "snr",
    about: "T at full strength on the raw gradient; T estimated from the steps.",
    centre: { theory: 1, network: 1 },
    settings: both,
    definition: (learningRate, setting) => signalSgd({ learningRate, ...fraction(setting) }),
  },
  {
    name: "rms-snr",
    title: "RMS, T",
    family: "pieces",
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
    family: "pieces",
    mode: "snr",
    about: "T^½ with the expected update norm kept per tensor, on the RMS-normalised gradient.",
    fullOnly: true,
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
    name: "combined-ht",
    title: "combined, H⁻¹T",
    family: "pieces",
    mode: "combined",
    about: "T estimated on g, then H⁻¹.",
    centre: { theory: 1 / 3, network: 0.1 },
    settings: both,
    definition: combinedIn("snr"),
  },
  {
    name: "combined-th",
    title: "combined, TH⁻¹",
    family: "pieces",
    mode: "combined",
    about: "H⁻¹ first, T estimated on H⁻¹g.",
    centre: { theory: 1 / 3, network: 0.1 },
    settings: both,
    definition: combinedIn("curvature"),
  },
  {
    name: "combined-eigen",
    title: "combined, in H's eigenbasis",
    family: "pieces",
    mode: "combined",
    about: "Bᵀ D B with the eigenvectors of H: T and H⁻¹ where H is diagonal.",
    centre: { theory: 1 / 3, network: 0.1 },
    settings: theory,
    eigenbasis: true,
    definition: combinedIn("snr"),
  },
  {
    name: "split",
    title: "split form, B·RMS·T·Bᵀ",
    family: "pieces",
    mode: "combined",
    about: "The split form P = B D Bᵀ: T at full strength on the RMS-normalised gradient, in the " +
      "Kronecker eigenbasis; no momentum.",
    fullOnly: true,
    ...onNetworks(0.02),
    definition: (learningRate) =>
      chain(
        inBasis(
          kronecker(),
          scaleBy(inverseRms({ epsilon: 1e-7 })),
          scaleBy(signalFraction({ decay: 0.99 })),
        ),
        rate(learningRate),
      ),
  },
];
