/**
 * What each option may be of the aliases that take T, or a sampled curvature, at full strength.
 *
 * @module
 */
import type { Kind } from "../checks.ts";
import {
  signalFractionKinds,
  type SignalFractionOptions,
} from "../estimators/signal_fraction_options.ts";
import * as kinds from "../kinds.ts";

type KindsOf<Name extends string> = Readonly<Record<Name, Kind>>;
type OfCurvature = "learningRate" | "curvature" | "curvatureWarmup";
type OfNewton = OfCurvature | "momentum" | "curvatureDecay" | "damping" | "stepClip";
type OfFraction = keyof SignalFractionOptions;

export const curvatureKinds: KindsOf<OfCurvature> = {
  learningRate: kinds.rate,
  curvature: kinds.curvature,
  curvatureWarmup: kinds.count,
};

export const signalSgdKinds: KindsOf<"learningRate" | "momentum" | OfFraction> = {
  learningRate: kinds.rate,
  momentum: kinds.decay,
  ...signalFractionKinds,
};

export const diagonalNewtonKinds: KindsOf<OfNewton> = {
  ...curvatureKinds,
  momentum: kinds.decay,
  curvatureDecay: kinds.decay,
  damping: kinds.normal,
  stepClip: kinds.bound,
};

export const signalNewtonKinds: KindsOf<OfNewton | OfFraction | "first" | "weightDecay" | "match"> =
  {
    ...diagonalNewtonKinds,
    ...signalFractionKinds,
    first: kinds.oneOf("snr", "curvature"),
    weightDecay: kinds.nonNegative,
    match: kinds.match,
  };
