/**
 * The estimators.
 *
 * @module
 */
export * from "./curvature_source.ts";
export { inverseCurvature, type InverseCurvatureOptions } from "./inverse_curvature.ts";
export { inverseMaximum, type InverseMaximumOptions } from "./inverse_maximum.ts";
export { inverseRootSum, type InverseRootSumOptions } from "./inverse_root_sum.ts";
export { inverseRms, type InverseRmsOptions } from "./inverse_rms.ts";
export { normalizedSignal, type NormalizedSignalOptions } from "./normalized_signal.ts";
export { signalFraction } from "./signal_fraction.ts";
export type { SignalFractionOptions } from "./signal_fraction_options.ts";
