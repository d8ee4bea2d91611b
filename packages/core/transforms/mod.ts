/**
 * The transforms and schedules.
 *
 * @module
 */
export { averageWeights, type AverageWeightsOptions } from "./average_weights.ts";
export { signMomentum, type SignMomentumOptions } from "./sign_momentum.ts";
export { decoupledWeightDecay, type WeightDecayOptions } from "./decoupled_weight_decay.ts";
export { learningRate, type LearningRateOptions } from "./learning_rate.ts";
export { momentum, type MomentumOptions } from "./momentum.ts";
export { clipByGlobalNorm, clipByValue, unitNorm, type UnitNormOptions } from "./norms.ts";
export {
  type Plateau,
  type PlateauState,
  reduceOnPlateau,
  type ReduceOnPlateauOptions,
} from "./reduce_on_plateau.ts";
export {
  constant,
  cosine,
  exponential,
  linear,
  type Schedule,
  stepDecay,
  warmRestarts,
  type WarmRestartsOptions,
  warmUp,
} from "./schedules.ts";
export { skipNonFinite, type SkipNonFiniteOptions } from "./skip_non_finite.ts";
