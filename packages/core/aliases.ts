/**
 * Known optimizers as chains, one line each.
 *
 * @module
 */
import { type Chain, chain } from "./chain/chain.ts";
import { scaleBy } from "./chain/scale_by.ts";
import type { CurvatureSource, Transform } from "./chain/types.ts";
import { fisher, gaussNewton, hutchinson } from "./estimators/curvature_source.ts";
import { inverseCurvature } from "./estimators/inverse_curvature.ts";
import { inverseRms } from "./estimators/inverse_rms.ts";
import { signalFraction } from "./estimators/signal_fraction.ts";
import type { SignalFractionOptions } from "./estimators/signal_fraction_options.ts";
import type { Match } from "./chain/match.ts";
import { clipByValue } from "./transforms/norms.ts";
import { decoupledWeightDecay } from "./transforms/decoupled_weight_decay.ts";
import { learningRate as rate } from "./transforms/learning_rate.ts";
import { momentum } from "./transforms/momentum.ts";
import type { Schedule } from "./transforms/schedules.ts";

/** What every alias takes. */
export interface AliasOptions {
  /** A number or a schedule. */
  readonly learningRate?: number | Schedule;
}

const average = (decay: number): Transform[] => decay > 0 ? [momentum({ decay })] : [];
const decayed = (weightDecay: number, match?: Match): Transform[] =>
  weightDecay > 0 ? [decoupledWeightDecay(weightDecay, match ? { match } : {})] : [];

/** Options of {@linkcode sgd}. */
export interface SgdOptions extends AliasOptions {
  /** Heavy-ball decay; default 0, no momentum. */
  readonly momentum?: number;
  /** Default false. */
  readonly nesterov?: boolean;
}

/** Stochastic gradient descent, `w −= η g`, with heavy-ball momentum if asked for. */
export function sgd(options: SgdOptions = {}): Chain {
  const { learningRate = 0.01, momentum: decay = 0, nesterov = false } = options;
  const ball = decay > 0 ? [momentum({ decay, form: "sum", nesterov })] : [];
  return chain(...ball, rate(learningRate));
}

/** Options of {@linkcode adam}. */
export interface AdamOptions extends AliasOptions {
  /** Default 0.9. */
  readonly beta1?: number;
  /** Default 0.999. */
  readonly beta2?: number;
  /** Default 1e-8. */
  readonly epsilon?: number;
}

function adamCore({ beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 }: AdamOptions): Transform {
  return scaleBy(inverseRms({ decay: beta2, epsilon }), { to: momentum({ decay: beta1 }) });
}

/**
 * Adam, `w −= η m̂/(√v̂ + ε)`.
 *
 * With β1 = β2 and ε = 0 it is `sign(m)·√T` with T = m²/v: a signal fraction to the power ½, so
 * an instance of preconditioning by signal-to-noise.
 *
 * Source: Kingma & Ba (2015), arXiv 1412.6980; the identity: Balles & Hennig (2018), Hilton (2019).
 */
export function adam(options: AdamOptions = {}): Chain {
  return chain(adamCore(options), rate(options.learningRate ?? 1e-3));
}

/** Options of {@linkcode adamW}. */
export interface AdamWOptions extends AdamOptions {
  /** Default 0.01. */
  readonly weightDecay?: number;
  /** Which parameters decay; default all. */
  readonly match?: Match;
}

/** Adam with decoupled weight decay. Source: Loshchilov & Hutter (2019), arXiv 1711.05101. */
export function adamW(options: AdamWOptions = {}): Chain {
  const { weightDecay = 0.01, match, learningRate = 1e-3 } = options;
  return chain(adamCore(options), ...decayed(weightDecay, match), rate(learningRate));
}

/** Options of {@linkcode svag} and {@linkcode mSvag}. */
export interface SvagOptions extends AliasOptions {
  /** Default 0.9. */
  readonly decay?: number;
}

/** SVAG, `w −= η γ g` with γ = m²/(m² + s). Source: Balles & Hennig (2018), arXiv 1705.07774. */
export function svag(options: SvagOptions = {}): Chain {
  const { decay = 0.9, learningRate = 0.1 } = options;
  const gamma = signalFraction({ decay, correction: "variance", floor: 0 });
  return chain(scaleBy(gamma), rate(learningRate));
}

/** M-SVAG, `w −= η γ m` with γ = m²/(m² + ρs). Source: Balles & Hennig (2018), algorithm 1. */
export function mSvag(options: SvagOptions = {}): Chain {
  const { decay = 0.9, learningRate = 0.1 } = options;
  const gamma = signalFraction({ decay, correction: "variance", of: "mean", floor: 0 });
  return chain(scaleBy(gamma, { to: momentum({ decay }) }), rate(learningRate));
}

/** Options of the aliases with a curvature estimate. */
export interface CurvatureAliasOptions extends AliasOptions {
  /** Where the samples come from; default gaussNewton(). */
  readonly curvature?: CurvatureSource;
}

/** Options of {@linkcode vSgd}. */
export interface VSgdOptions extends CurvatureAliasOptions {
  /** Decay of the curvature's EMA; default 0.99. */
  readonly decay?: number;
  /** Default 1e-4. */
  readonly damping?: number;
  /** Samples averaged before the memory adapts; default 10. */
  readonly warmup?: number;
}

/**
 * vSGD, `w −= T H⁻¹ g` with T = ḡ²/v̄ and one adaptive memory per element; no learning rate to
 * tune. The curvature keeps a fixed memory of samples here, where the paper adapts it too.
 *
 * Source: Schaul, Zhang & LeCun (2013), arXiv 1206.1106.
 */
export function vSgd(options: VSgdOptions = {}): Chain {
  const { decay = 0.99, damping = 1e-4, warmup = 10, learningRate = 1 } = options;
  const T = signalFraction({ memory: "adaptive", correction: "none", floor: 0, warmup });
  const inverse = inverseCurvature(options.curvature ?? gaussNewton(), { decay, damping });
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
 * Sophia, `w −= η (clip(m / max(γh, ε), 1) + λw)`.
 *
 * Source: Liu et al. (2023), arXiv 2305.14342, algorithm 3; default curvature: Sophia-G.
 */
export function sophia(options: SophiaOptions = {}): Chain {
  const { beta1 = 0.965, beta2 = 0.99, gamma = 0.01, epsilon = 1e-12, weightDecay = 0.1 } = options;
  const inverse = inverseCurvature(options.curvature ?? gaussNewton({ every: 10 }), {
    decay: beta2,
    debias: false,
    gain: gamma,
    damping: epsilon,
    dampingForm: "max",
    sign: "positive",
  });
  const scaled = scaleBy(inverse, { to: momentum({ decay: beta1, debias: false }) });
  return chain(scaled, clipByValue(1), ...decayed(weightDecay), rate(options.learningRate ?? 1e-3));
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
}

/**
 * AdaHessian, `w −= η m̂/(√(EMA of D²) + ε)`, D Hutchinson's diagonal, without spatial averaging.
 *
 * Source: Yao et al. (2021), arXiv 2006.00719, algorithm 1.
 */
export function adaHessian(options: AdaHessianOptions = {}): Chain {
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0 } = options;
  const inverse = inverseCurvature(options.curvature ?? hutchinson(), {
    decay: beta2,
    moment: "rms",
    damping: epsilon,
  });
  const scaled = scaleBy(inverse, { to: momentum({ decay: beta1 }) });
  return chain(scaled, ...decayed(weightDecay), rate(options.learningRate ?? 0.1));
}

/** Options of {@linkcode naturalSnr}. */
export interface NaturalSnrOptions extends CurvatureAliasOptions {
  /** Memory of the signal fraction; default 0.9. */
  readonly decay?: number;
  /** Memory of the Fisher samples; default 0.99. */
  readonly fisherDecay?: number;
  /** Default 1e-3. */
  readonly damping?: number;
}

/** The diagonal natural gradient with signal-to-noise, `w −= η F⁻¹ T g`. Source: Hilton (2019). */
export function naturalSnr(options: NaturalSnrOptions = {}): Chain {
  const { decay = 0.9, fisherDecay = 0.99, damping = 1e-3, learningRate = 0.1 } = options;
  const inverse = inverseCurvature(options.curvature ?? fisher(), { decay: fisherDecay, damping });
  return chain(scaleBy(signalFraction({ decay })), scaleBy(inverse), rate(learningRate));
}

/** Options of {@linkcode snrOnly}: those of `signalFraction`, and two more. */
export interface SnrOnlyOptions extends AliasOptions, SignalFractionOptions {
  /** Decay of an average over T·g; default 0, none. */
  readonly momentum?: number;
}

/** Signal-to-noise alone, `w −= η T g`. Source: Hilton (2019). */
export function snrOnly(options: SnrOnlyOptions = {}): Chain {
  const { learningRate = 0.1, momentum: decay = 0, ...fraction } = options;
  return chain(scaleBy(signalFraction(fraction)), ...average(decay), rate(learningRate));
}

/** Options of {@linkcode curvatureOnly}. */
export interface CurvatureOnlyOptions extends CurvatureAliasOptions {
  /** Decay of an average over H⁻¹g; default 0, none. */
  readonly momentum?: number;
  /** Memory of the curvature samples; default 0.99. */
  readonly curvatureDecay?: number;
  /** Default 1e-3. */
  readonly damping?: number;
  /** Bound on each component of H⁻¹g; default none. */
  readonly stepClip?: number;
}

function inverseOf(options: CurvatureOnlyOptions): Transform {
  const { curvatureDecay: decay = 0.99, damping = 1e-3, stepClip = Infinity } = options;
  const source = options.curvature ?? gaussNewton();
  return scaleBy(inverseCurvature(source, { decay, damping, stepClip }));
}

/** Curvature alone, `w −= η H⁻¹ g`, H diagonal. */
export function curvatureOnly(options: CurvatureOnlyOptions = {}): Chain {
  const { learningRate = 0.1, momentum: decay = 0 } = options;
  return chain(inverseOf(options), ...average(decay), rate(learningRate));
}

/** Options of {@linkcode combined}: those of `signalFraction` and {@linkcode curvatureOnly}. */
export interface CombinedOptions extends CurvatureOnlyOptions, SignalFractionOptions {
  /** "snr": H⁻¹T, T estimated on g (default). "curvature": T H⁻¹, T estimated on H⁻¹g. */
  readonly first?: "snr" | "curvature";
  /** Default 0. */
  readonly weightDecay?: number;
}

/**
 * Both, `w −= η (EMA of H⁻¹ T g + λw)`, in either order, momentum 0.9 by default.
 *
 * Source: Hilton (2019).
 */
export function combined(options: CombinedOptions = {}): Chain {
  const {
    learningRate = 0.1,
    momentum: decay = 0.9,
    weightDecay = 0,
    first = "snr",
    curvature: _curvature,
    curvatureDecay: _curvatureDecay,
    damping: _damping,
    stepClip: _stepClip,
    ...fraction
  } = options;
  if (first !== "snr" && first !== "curvature") {
    throw new RangeError(
      `Cannot combine: first must be "snr" or "curvature", current value is "${first}"`,
    );
  }
  const T = scaleBy(signalFraction(fraction));
  const inverse = inverseOf(options);
  const both = first === "snr" ? [T, inverse] : [inverse, T];
  return chain(...both, ...average(decay), ...decayed(weightDecay), rate(learningRate));
}
