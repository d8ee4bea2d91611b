/**
 * Optimizers with sampled curvature or full-strength signal fractions: the formulas of the papers, for
 * problems where they hold.
 *
 * @module
 */
import { type Chain, chain } from "../chain/chain.ts";
import type { Match } from "../chain/match.ts";
import { scaleBy } from "../chain/scale_by.ts";
import type { CurvatureSource, Transform } from "../chain/types.ts";
import { checkOptions } from "../checks.ts";
import { fisher, gaussNewton, hutchinson } from "../estimators/curvature_source.ts";
import { inverseCurvature } from "../estimators/inverse_curvature.ts";
import { signalFraction } from "../estimators/signal_fraction.ts";
import type { SignalFractionOptions } from "../estimators/signal_fraction_options.ts";
import * as kinds from "../kinds.ts";
import { clipByValue } from "../transforms/norms.ts";
import { learningRate as rate } from "../transforms/learning_rate.ts";
import { momentum } from "../transforms/momentum.ts";
import {
  curvatureKinds,
  diagonalNewtonKinds,
  signalNewtonKinds,
  signalSgdKinds,
} from "./full_strength_kinds.ts";
import { type AliasOptions, average, decayed } from "./options.ts";

/** Options of the aliases with a curvature estimate. */
export interface CurvatureAliasOptions extends AliasOptions {
  /** Where the samples come from; default gaussNewton(). */
  readonly curvature?: CurvatureSource;
  /** Curvature samples averaged before the first step; default 3. */
  readonly curvatureWarmup?: number;
}

/** The inverse of sampled curvature with the guards that all of these share. */
interface Guards {
  readonly decay: number;
  readonly damping: number;
  readonly stepClip: number;
  readonly curvatureWarmup?: number | undefined;
}

/**
 * 1/(h + λ·mean(h)), 0 until some samples are averaged, and no element of the product above the
 * bound: one sample of curvature is mostly noise, and where it is near 0 the step would be boundless.
 */
const guarded = (source: CurvatureSource, guards: Guards) => {
  const { decay, damping, stepClip, curvatureWarmup: warmup = 3 } = guards;
  return inverseCurvature(source, { decay, damping, dampingForm: "relative", stepClip, warmup });
};

/** Options of {@linkcode vSgd}. */
export interface VSgdOptions extends CurvatureAliasOptions {
  /** Decay of the curvature's EMA; default 0.99. */
  readonly decay?: number;
  /** Of the tensor's mean curvature; default 0.1. */
  readonly damping?: number;
  /** Samples averaged before the memory adapts; default 10. */
  readonly warmup?: number;
  /** Bound on each component of TH⁻¹g; default 0.01. */
  readonly stepClip?: number;
}

/**
 * vSGD, `w −= T H⁻¹ g` with T = ḡ²/v̄ and one adaptive memory per element; no learning rate to
 * tune. Default η 1. The step does not change when the loss is scaled. The curvature keeps a fixed
 * memory of samples here, where the paper adapts it too.
 *
 * Source: Schaul, Zhang & LeCun (2013), arXiv 1206.1106.
 */
export function vSgd(options: VSgdOptions = {}): Chain {
  const given = checkOptions("make vSgd", options, {
    ...curvatureKinds,
    decay: kinds.decay,
    damping: kinds.normal,
    warmup: kinds.integer(2),
    stepClip: kinds.bound,
  });
  const { decay = 0.99, damping = 0.1, warmup = 10, stepClip = 0.01, learningRate = 1 } = given;
  const T = signalFraction({ memory: "adaptive", correction: "none", floor: 0, warmup });
  const { curvatureWarmup } = given;
  const guards = { decay, damping, stepClip, curvatureWarmup };
  const inverse = guarded(given.curvature ?? gaussNewton(), guards);
  return chain(scaleBy(T), scaleBy(inverse), rate(learningRate));
}

/** Options of {@linkcode sophia}. */
export interface SophiaOptions extends CurvatureAliasOptions {
  /** Default 0.965. */
  readonly beta1?: number;
  /** Default 0.99. */
  readonly beta2?: number;
  /** The paper's γ; default 0.01. */
  readonly gamma?: number;
  /** Default 1e-12. */
  readonly epsilon?: number;
  /** Default 0.1. */
  readonly weightDecay?: number;
}

/**
 * Sophia, `w −= η (clip(m / max(γh, ε), 1) + λw)`. Default η 0.001.
 *
 * Source: Liu et al. (2023), arXiv 2305.14342, algorithm 3; default curvature: Sophia-G.
 */
export function sophia(options: SophiaOptions = {}): Chain {
  const given = checkOptions("make sophia", options, {
    ...curvatureKinds,
    beta1: kinds.decay,
    beta2: kinds.decay,
    gamma: kinds.positive,
    epsilon: kinds.normal,
    weightDecay: kinds.nonNegative,
  });
  const { beta1 = 0.965, beta2 = 0.99, gamma = 0.01, epsilon = 1e-12, weightDecay = 0.1 } = given;
  const inverse = inverseCurvature(given.curvature ?? gaussNewton({ every: 10 }), {
    decay: beta2,
    debias: false,
    gain: gamma,
    damping: epsilon,
    dampingForm: "max",
    sign: "positive",
    warmup: given.curvatureWarmup ?? 1,
  });
  const scaled = scaleBy(inverse, { to: momentum({ decay: beta1, debias: false }) });
  return chain(scaled, clipByValue(1), ...decayed(weightDecay), rate(given.learningRate ?? 1e-3));
}

/** Options of {@linkcode adaHessian}. */
export interface AdaHessianOptions extends CurvatureAliasOptions {
  /** Default 0.9. */
  readonly beta1?: number;
  /** Default 0.999. */
  readonly beta2?: number;
  /** Default 1e-8. */
  readonly epsilon?: number;
  /** Default 0. */
  readonly weightDecay?: number;
  /** Bound on each component of the step before the learning rate; default 0.1. */
  readonly stepClip?: number;
}

/**
 * AdaHessian, `w −= η m̂/(√(EMA of D²) + ε)`, D Hutchinson's diagonal, without spatial averaging;
 * no step until three samples are averaged, and each component bounded, as a sample near 0 would make
 * it boundless. Default η 0.1.
 *
 * Source: Yao et al. (2021), arXiv 2006.00719, algorithm 1.
 */
export function adaHessian(options: AdaHessianOptions = {}): Chain {
  const given = checkOptions("make adaHessian", options, {
    ...curvatureKinds,
    beta1: kinds.decay,
    beta2: kinds.decay,
    epsilon: kinds.normal,
    weightDecay: kinds.nonNegative,
    stepClip: kinds.bound,
  });
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0, stepClip = 0.1 } = given;
  const inverse = inverseCurvature(given.curvature ?? hutchinson(), {
    decay: beta2,
    moment: "rms",
    damping: epsilon,
    stepClip,
    warmup: given.curvatureWarmup ?? 3,
  });
  const scaled = scaleBy(inverse, { to: momentum({ decay: beta1 }) });
  return chain(scaled, ...decayed(weightDecay), rate(given.learningRate ?? 0.1));
}

/** Options of {@linkcode naturalSnr}. */
export interface NaturalSnrOptions extends CurvatureAliasOptions {
  /** Memory of the signal fraction; default 0.9. */
  readonly decay?: number;
  /** Memory of the Fisher samples; default 0.99. */
  readonly fisherDecay?: number;
  /** Of the tensor's mean curvature; default 0.1. */
  readonly damping?: number;
  /** Bound on each component of F⁻¹Tg; default 0.1. */
  readonly stepClip?: number;
}

/**
 * The diagonal natural gradient with signal-to-noise, `w −= η F⁻¹ T g`. Default η 0.1.
 *
 * Source: Hilton (2019).
 */
export function naturalSnr(options: NaturalSnrOptions = {}): Chain {
  const given = checkOptions("make naturalSnr", options, {
    ...curvatureKinds,
    decay: kinds.decay,
    fisherDecay: kinds.decay,
    damping: kinds.normal,
    stepClip: kinds.bound,
  });
  const { decay = 0.9, fisherDecay = 0.99, damping = 0.1, stepClip = 0.1, learningRate = 0.1 } =
    given;
  const { curvatureWarmup } = given;
  const guards = { decay: fisherDecay, damping, stepClip, curvatureWarmup };
  const inverse = guarded(given.curvature ?? fisher(), guards);
  return chain(scaleBy(signalFraction({ decay })), scaleBy(inverse), rate(learningRate));
}

/** Options of {@linkcode signalSgd}: those of `signalFraction`, and two more. */
export interface SignalSgdOptions extends AliasOptions, SignalFractionOptions {
  /** Decay of an average over T·g; default 0, none. */
  readonly momentum?: number;
  /** Decay of the moments that T is estimated from; default 0.99. */
  readonly decay?: number;
}

/**
 * The note's third display as it stands: `w −= η T g`, T at full strength on the gradient itself.
 *
 * For small data with a sparse signal, where it does not fit the noise: most elements get next to no
 * step. On clean data it refuses too much; take `snrOnly()` there. The step grows with the loss's
 * scale, as that of SGD does. Default η 0.1, memory `decay` 0.99.
 *
 * Source: Hilton, "Preconditioning for stochastic gradient descent" (2019).
 */
export function signalSgd(options: SignalSgdOptions = {}): Chain {
  const given = checkOptions("make signalSgd", options, signalSgdKinds);
  const { learningRate = 0.1, momentum: decay = 0, ...fraction } = given;
  return chain(
    scaleBy(signalFraction({ decay: 0.99, ...fraction })),
    ...average(decay),
    rate(learningRate),
  );
}

/** Options of {@linkcode diagonalNewton}. */
export interface DiagonalNewtonOptions extends CurvatureAliasOptions {
  /** Decay of an average over H⁻¹g; default 0, none. */
  readonly momentum?: number;
  /** Memory of the curvature samples; default 0.99. */
  readonly curvatureDecay?: number;
  /** Of the tensor's mean curvature; default 0.1. */
  readonly damping?: number;
  /** Bound on each component of H⁻¹g; default 0.1. */
  readonly stepClip?: number;
}

function inverseOf(options: DiagonalNewtonOptions): Transform {
  const { curvatureDecay: decay = 0.99, damping = 0.1, stepClip = 0.1 } = options;
  const { curvatureWarmup } = options;
  const guards = { decay, damping, stepClip, curvatureWarmup };
  return scaleBy(guarded(options.curvature ?? gaussNewton(), guards));
}

/**
 * A Newton step with diagonal curvature, `w −= η H⁻¹ g`, H sampled.
 *
 * For problems whose curvature is nearly diagonal; in a network it is not, and H⁻¹ of its diagonal
 * overshoots: take `curvatureOnly()` there. The step does not change when the loss is scaled.
 * Default η 0.1.
 */
export function diagonalNewton(options: DiagonalNewtonOptions = {}): Chain {
  const given = checkOptions("make diagonalNewton", options, diagonalNewtonKinds);
  const { learningRate = 0.1, momentum: decay = 0 } = given;
  return chain(inverseOf(given), ...average(decay), rate(learningRate));
}

/** Options of {@linkcode signalNewton}: those of `signalFraction` and {@linkcode diagonalNewton}. */
export interface SignalNewtonOptions extends DiagonalNewtonOptions, SignalFractionOptions {
  /** "snr": H⁻¹T, T estimated on g (default). "curvature": T H⁻¹, T estimated on H⁻¹g. */
  readonly first?: "snr" | "curvature";
  /** Decay of an average over H⁻¹Tg or TH⁻¹g; default 0.9, 0 for none. */
  readonly momentum?: number;
  /** Default 0. */
  readonly weightDecay?: number;
  /** Which parameters decay; default all. */
  readonly match?: Match;
}

/**
 * The note's fourth and fifth display: `w −= η (EMA of H⁻¹ T g + λw)`, or T H⁻¹, both diagonal, with
 * sampled curvature and T at full strength; momentum 0.9 by default.
 *
 * Exact for diagonal curvature; take `combined()` for networks. The step does not change when the loss
 * is scaled. Default η 0.1.
 *
 * Source: Hilton (2019).
 */
export function signalNewton(options: SignalNewtonOptions = {}): Chain {
  const given = checkOptions("make signalNewton", options, signalNewtonKinds);
  const {
    learningRate = 0.1,
    momentum: decay = 0.9,
    weightDecay = 0,
    match,
    first = "snr",
    curvature: _curvature,
    curvatureDecay: _curvatureDecay,
    damping: _damping,
    stepClip: _stepClip,
    curvatureWarmup: _curvatureWarmup,
    ...fraction
  } = given;
  const T = scaleBy(signalFraction(fraction));
  const inverse = inverseOf(given);
  const both = first === "snr" ? [T, inverse] : [inverse, T];
  return chain(...both, ...average(decay), ...decayed(weightDecay, match), rate(learningRate));
}
