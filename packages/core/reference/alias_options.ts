import type { CurvatureSource } from "./inverse_curvature.ts";
import type { Schedule } from "./schedules.ts";
import type { SignalFractionOptions } from "./signal_fraction.ts";
import type { ParameterMatch } from "./transforms.ts";

type Rate = number | Schedule;

/** Options of `references.sgd`. */
export interface SgdOptions {
  learningRate?: Rate;
  momentum?: number;
  nesterov?: boolean;
}

/** Options of `references.adam`. */
export interface AdamOptions {
  learningRate?: Rate;
  beta1?: number;
  beta2?: number;
  epsilon?: number;
}

/** Options of `references.adamW`. */
export interface AdamWOptions extends AdamOptions {
  weightDecay?: number;
  match?: ParameterMatch;
}

/** Options of `references.svag` and `references.mSvag`. */
export interface SvagOptions {
  learningRate?: Rate;
  decay?: number;
}

/** Options of `references.vSgd`. */
export interface VSgdOptions {
  stepClip?: number;
  curvatureWarmup?: number;
  learningRate?: Rate;
  curvature?: CurvatureSource;
  decay?: number;
  damping?: number;
  warmup?: number;
}

/** Options of `references.sophia`. */
export interface SophiaOptions {
  learningRate?: Rate;
  beta1?: number;
  beta2?: number;
  gamma?: number;
  epsilon?: number;
  weightDecay?: number;
  match?: ParameterMatch;
  curvature?: CurvatureSource;
  curvatureWarmup?: number;
  stepClip?: number;
}

/** Options of `references.adaHessian`. */
export interface AdaHessianOptions {
  learningRate?: Rate;
  beta1?: number;
  beta2?: number;
  epsilon?: number;
  weightDecay?: number;
  match?: ParameterMatch;
  curvature?: CurvatureSource;
  curvatureWarmup?: number;
  stepClip?: number;
}

/** Options of `references.naturalSnr`. */
export interface NaturalSnrOptions {
  learningRate?: Rate;
  decay?: number;
  fisherDecay?: number;
  damping?: number;
  curvature?: CurvatureSource;
  curvatureWarmup?: number;
  stepClip?: number;
}

/** Options of `references.signalSgd`. */
export interface SignalSgdOptions extends SignalFractionOptions {
  learningRate?: Rate;
  momentum?: number;
}

/** Options of `references.diagonalNewton`. */
export interface DiagonalNewtonOptions {
  learningRate?: Rate;
  momentum?: number;
  curvature?: CurvatureSource;
  curvatureWarmup?: number;
  curvatureDecay?: number;
  damping?: number;
  stepClip?: number;
}

/** Options of `references.signalNewton`. */
export interface SignalNewtonOptions extends SignalFractionOptions, DiagonalNewtonOptions {
  weightDecay?: number;
  match?: ParameterMatch;
  first?: "snr" | "curvature";
}
