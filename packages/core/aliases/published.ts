/**
 * Known first-order optimizers as chains.
 *
 * @module
 */
import { type Chain, chain } from "../chain/chain.ts";
import type { Match } from "../chain/match.ts";
import { scaleBy } from "../chain/scale_by.ts";
import type { Transform } from "../chain/types.ts";
import { checkOptions } from "../checks.ts";
import { inverseMaximum } from "../estimators/inverse_maximum.ts";
import { inverseRms } from "../estimators/inverse_rms.ts";
import { inverseRootSum } from "../estimators/inverse_root_sum.ts";
import { signalFraction } from "../estimators/signal_fraction.ts";
import * as kinds from "../kinds.ts";
import { learningRate as rate } from "../transforms/learning_rate.ts";
import { momentum } from "../transforms/momentum.ts";
import { signMomentum } from "../transforms/sign_momentum.ts";
import { type AliasOptions, decayed } from "./options.ts";

/** Options of {@linkcode sgd}. */
export interface SgdOptions extends AliasOptions {
  /** Heavy-ball decay; default 0, no momentum. */
  readonly momentum?: number;
  /** Default false. */
  readonly nesterov?: boolean;
}

/** Stochastic gradient descent, `w −= η g`, with heavy-ball momentum if asked for. Default η 0.01. */
export function sgd(options: SgdOptions = {}): Chain {
  const given = checkOptions("make sgd", options, {
    learningRate: kinds.rate,
    momentum: kinds.decay,
    nesterov: kinds.flag,
  });
  const { learningRate = 0.01, momentum: decay = 0, nesterov = false } = given;
  if (nesterov && decay === 0) {
    throw new TypeError(
      "Cannot make sgd: nesterov looks ahead along the momentum, and there is none; set momentum, such as sgd({ momentum: 0.9, nesterov: true })",
    );
  }
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

const adamKinds = {
  learningRate: kinds.rate,
  beta1: kinds.decay,
  beta2: kinds.decay,
  epsilon: kinds.normal,
} as const;

function adamCore({ beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 }: AdamOptions): Transform {
  return scaleBy(inverseRms({ decay: beta2, epsilon }), { to: momentum({ decay: beta1 }) });
}

/**
 * Adam, `w −= η m̂/(√v̂ + ε)`. Default η 0.001.
 *
 * With β1 = β2 and ε = 0 it is `sign(m)·√T` with T = m²/v: a signal fraction to the power ½, so
 * an instance of preconditioning by signal-to-noise.
 *
 * Source: Kingma & Ba (2015), arXiv 1412.6980; the identity: Balles & Hennig (2018), Hilton (2019).
 */
export function adam(options: AdamOptions = {}): Chain {
  const given = checkOptions("make adam", options, adamKinds);
  return chain(adamCore(given), rate(given.learningRate ?? 1e-3));
}

/** Options of {@linkcode adamW}. */
export interface AdamWOptions extends AdamOptions {
  /** Default 0.01. */
  readonly weightDecay?: number;
  /** Which parameters decay; default all. */
  readonly match?: Match;
}

/**
 * Adam with decoupled weight decay, `w −= η (m̂/(√v̂ + ε) + λw)`. Default η 0.001.
 *
 * Source: Loshchilov & Hutter (2019), arXiv 1711.05101.
 */
export function adamW(options: AdamWOptions = {}): Chain {
  const given = checkOptions("make adamW", options, {
    ...adamKinds,
    weightDecay: kinds.nonNegative,
    match: kinds.match,
  });
  const { weightDecay = 0.01, match, learningRate = 1e-3 } = given;
  return chain(adamCore(given), ...decayed(weightDecay, match), rate(learningRate));
}

/** Options of {@linkcode svag} and {@linkcode mSvag}. */
export interface SvagOptions extends AliasOptions {
  /** Default 0.9. */
  readonly decay?: number;
}

const svagKinds = { learningRate: kinds.rate, decay: kinds.decay } as const;

/**
 * SVAG, `w −= η γ g` with γ = m²/(m² + s). Default η 0.01, in the units of the gradient as SGD's.
 *
 * Source: Balles & Hennig (2018), arXiv 1705.07774.
 */
export function svag(options: SvagOptions = {}): Chain {
  const { decay = 0.9, learningRate = 0.01 } = checkOptions("make svag", options, svagKinds);
  const gamma = signalFraction({ decay, correction: "variance", floor: 0 });
  return chain(scaleBy(gamma), rate(learningRate));
}

/**
 * M-SVAG, `w −= η γ m` with γ = m²/(m² + ρs). Default η 0.01, in the units of the gradient as SGD's.
 *
 * Source: Balles & Hennig (2018), algorithm 1.
 */
export function mSvag(options: SvagOptions = {}): Chain {
  const { decay = 0.9, learningRate = 0.01 } = checkOptions("make mSvag", options, svagKinds);
  const gamma = signalFraction({ decay, correction: "variance", of: "mean", floor: 0 });
  return chain(scaleBy(gamma, { to: momentum({ decay }) }), rate(learningRate));
}

/** Options of {@linkcode rmsProp}. */
export interface RmsPropOptions extends AliasOptions {
  /** Default 0.9. */
  readonly decay?: number;
  /** Heavy-ball decay; default 0, no momentum. */
  readonly momentum?: number;
  /** Default 1e-8. */
  readonly epsilon?: number;
}

/**
 * RMSProp, `w −= η g/√(v + ε)`, v an EMA of g² that starts at 0; with momentum a sum of these steps.
 *
 * With the same options, and `epsilon: 1e-7`, it is `tf.train.rmsprop` (not centered). Default η 0.001.
 *
 * Source: Tieleman & Hinton (2012), lecture 6.5.
 */
export function rmsProp(options: RmsPropOptions = {}): Chain {
  const given = checkOptions("make rmsProp", options, {
    learningRate: kinds.rate,
    decay: kinds.decay,
    momentum: kinds.decay,
    epsilon: kinds.normal,
  });
  const { learningRate = 1e-3, decay = 0.9, momentum: ball = 0, epsilon = 1e-8 } = given;
  const inverse = inverseRms({ decay, epsilon, debias: false, placement: "inside" });
  const sum = ball > 0 ? [momentum({ decay: ball, form: "sum" })] : [];
  return chain(scaleBy(inverse), ...sum, rate(learningRate));
}

/** Options of {@linkcode adagrad}. */
export interface AdagradOptions extends AliasOptions {
  /** Where the sum of squares starts; default 0.1. */
  readonly initial?: number;
  /** Default 1e-7. */
  readonly epsilon?: number;
}

/**
 * Adagrad, `w −= η g/√(Σ g² + ε)`, the sum over all steps. Default η 0.01.
 *
 * Source: Duchi, Hazan & Singer (2011), JMLR 12.
 */
export function adagrad(options: AdagradOptions = {}): Chain {
  const given = checkOptions("make adagrad", options, {
    learningRate: kinds.rate,
    initial: kinds.nonNegative,
    epsilon: kinds.normal,
  });
  const { learningRate = 0.01, initial = 0.1, epsilon = 1e-7 } = given;
  return chain(scaleBy(inverseRootSum({ initial, epsilon })), rate(learningRate));
}

/**
 * Nadam, Adam that looks one step ahead: `w −= η ((1 − w₁)m̂ + w₁g)/(√v̂ + ε)`, w₁ the weight of the
 * newest gradient in m̂. Default η 0.001.
 *
 * Source: Dozat (2016), "Incorporating Nesterov momentum into Adam".
 */
export function nadam(options: AdamOptions = {}): Chain {
  const given = checkOptions("make nadam", options, adamKinds);
  const { learningRate = 1e-3, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 } = given;
  const ahead = momentum({ decay: beta1, nesterov: true });
  return chain(scaleBy(inverseRms({ decay: beta2, epsilon }), { to: ahead }), rate(learningRate));
}

/**
 * Adamax, `w −= η m̂/(u + ε)` with `u ← max(β₂u, |g|)`. Default η 0.002.
 *
 * Source: Kingma & Ba (2015), arXiv 1412.6980, algorithm 2.
 */
export function adamax(options: AdamOptions = {}): Chain {
  const given = checkOptions("make adamax", options, adamKinds);
  const { learningRate = 2e-3, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 } = given;
  const inverse = inverseMaximum({ decay: beta2, epsilon });
  return chain(scaleBy(inverse, { to: momentum({ decay: beta1 }) }), rate(learningRate));
}

/** Options of {@linkcode lion}. */
export interface LionOptions extends AliasOptions {
  /** Weight of the momentum in what is signed; default 0.9. */
  readonly beta1?: number;
  /** Decay of the momentum; default 0.99. */
  readonly beta2?: number;
  /** Default 0. */
  readonly weightDecay?: number;
  /** Which parameters decay; default all. */
  readonly match?: Match;
}

/**
 * Lion, `w −= η (sign(β₁m + (1 − β₁)g) + λw)`, `m ← β₂m + (1 − β₂)g`. Default η 0.0001.
 *
 * Source: Chen et al. (2023), arXiv 2302.06675.
 */
export function lion(options: LionOptions = {}): Chain {
  const given = checkOptions("make lion", options, {
    learningRate: kinds.rate,
    beta1: kinds.decay,
    beta2: kinds.decay,
    weightDecay: kinds.nonNegative,
    match: kinds.match,
  });
  const { learningRate = 1e-4, beta1 = 0.9, beta2 = 0.99, weightDecay = 0, match } = given;
  return chain(signMomentum({ beta1, beta2 }), ...decayed(weightDecay, match), rate(learningRate));
}
