import type {
  AdaHessianOptions,
  AdamOptions,
  AdamWOptions,
  DiagonalNewtonOptions,
  NaturalSnrOptions,
  SgdOptions,
  SignalNewtonOptions,
  SignalSgdOptions,
  SophiaOptions,
  SvagOptions,
  VSgdOptions,
} from "./alias_options.ts";
import { type CurvatureSource, referenceInverseCurvature } from "./inverse_curvature.ts";
import { referenceInverseRms } from "./inverse_rms.ts";
import { scaleByStage } from "./scale_by.ts";
import { referenceSignalFraction } from "./signal_fraction.ts";
import {
  clipByValueStage,
  decoupledWeightDecayStage,
  learningRateStage,
  momentumStage,
  type ParameterMatch,
} from "./transforms.ts";
import type { ReferenceStage } from "./types.ts";

/** The named optimizers of the reference: each makes the stages of a chain. */
export interface References {
  sgd(options?: SgdOptions): ReferenceStage[];
  adam(options?: AdamOptions): ReferenceStage[];
  adamW(options?: AdamWOptions): ReferenceStage[];
  svag(options?: SvagOptions): ReferenceStage[];
  mSvag(options?: SvagOptions): ReferenceStage[];
  vSgd(options?: VSgdOptions): ReferenceStage[];
  sophia(options?: SophiaOptions): ReferenceStage[];
  adaHessian(options?: AdaHessianOptions): ReferenceStage[];
  naturalSnr(options?: NaturalSnrOptions): ReferenceStage[];
  signalSgd(options?: SignalSgdOptions): ReferenceStage[];
  diagonalNewton(options?: DiagonalNewtonOptions): ReferenceStage[];
  signalNewton(options?: SignalNewtonOptions): ReferenceStage[];
}

/**
 * The stages of every named optimizer, to be run by `referenceOptimizer`.
 *
 * @example
 * ```ts
 * import { referenceOptimizer, references } from "@precond/core/reference";
 * const adam = referenceOptimizer({ w: { shape: [1], weights: [0] } }, references.adam());
 * adam.step({ w: { gradient: [5] } });
 * if (Math.abs(adam.weights["w"]![0]! + 1e-3) > 1e-10) throw new Error();
 * ```
 */
export const references: References = {
  sgd: ({ learningRate = .01, momentum = 0, nesterov = false } = {}) => [
    ...when(momentum > 0, () => momentumStage({ decay: momentum, form: "sum", nesterov })),
    learningRateStage(learningRate),
  ],
  adam: ({ learningRate = 1e-3, ...options } = {}) => [
    adamDirection(options),
    learningRateStage(learningRate),
  ],
  adamW: ({ learningRate = 1e-3, weightDecay = .01, match, ...options } = {}) => [
    adamDirection(options),
    ...decay(weightDecay, match),
    learningRateStage(learningRate),
  ],
  svag: ({ learningRate = .01, decay = .9 } = {}) => [
    scaleByStage(referenceSignalFraction({ decay, correction: "variance", floor: 0 })),
    learningRateStage(learningRate),
  ],
  mSvag: ({ learningRate = .01, decay = .9 } = {}) => [
    scaleByStage(
      referenceSignalFraction({ decay, correction: "variance", of: "mean", floor: 0 }),
      { to: momentumStage({ decay }) },
    ),
    learningRateStage(learningRate),
  ],
  vSgd: (options = {}) => {
    const {
      learningRate = 1,
      curvature = gaussNewton,
      decay = .99,
      damping = .1,
      warmup = 10,
      stepClip = .01,
      curvatureWarmup = 3,
    } = options;
    const T = { memory: "adaptive", correction: "none", floor: 0, warmup } as const;
    return [
      scaleByStage(referenceSignalFraction(T)),
      guarded(curvature, { decay, damping, stepClip, warmup: curvatureWarmup }),
      learningRateStage(learningRate),
    ];
  },
  sophia: (options = {}) => {
    const { learningRate = 1e-3, beta1 = .965, beta2 = .99, gamma = .01, epsilon = 1e-12 } =
      options;
    const { weightDecay = .1, match, curvature = gaussNewton } = options;
    const inverse = referenceInverseCurvature(curvature, {
      decay: beta2,
      debias: false,
      gain: gamma,
      damping: epsilon,
      dampingForm: "max",
      sign: "positive",
    });
    return [
      scaleByStage(inverse, { to: momentumStage({ decay: beta1, debias: false }) }),
      clipByValueStage(1),
      ...decay(weightDecay, match),
      learningRateStage(learningRate),
    ];
  },
  adaHessian: (options = {}) => {
    const { learningRate = .1, beta1 = .9, beta2 = .999, epsilon = 1e-8 } = options;
    const { weightDecay = 0, match, curvature = { kind: "hutchinson" } } = options;
    const { stepClip = .1, curvatureWarmup: warmup = 3 } = options;
    const inverse = { decay: beta2, moment: "rms", damping: epsilon, stepClip, warmup } as const;
    return [
      scaleByStage(referenceInverseCurvature(curvature, inverse), {
        to: momentumStage({ decay: beta1 }),
      }),
      ...decay(weightDecay, match),
      learningRateStage(learningRate),
    ];
  },
  naturalSnr: (options = {}) => {
    const { learningRate = .1, decay = .9, fisherDecay = .99, damping = .1 } = options;
    const { curvature = { kind: "fisher" }, stepClip = .1, curvatureWarmup: warmup = 3 } = options;
    return [
      scaleByStage(referenceSignalFraction({ decay })),
      guarded(curvature, { decay: fisherDecay, damping, stepClip, warmup }),
      learningRateStage(learningRate),
    ];
  },
  signalSgd: ({ learningRate = .1, momentum = 0, ...fraction } = {}) => [
    scaleByStage(referenceSignalFraction({ decay: .99, ...fraction })),
    ...average(momentum),
    learningRateStage(learningRate),
  ],
  diagonalNewton: (options = {}) => {
    const { learningRate = .1, momentum = 0, curvature = gaussNewton } = options;
    const { curvatureDecay: decay = .99, damping = .1, stepClip = .1 } = options;
    return [
      guarded(curvature, { decay, damping, stepClip, warmup: options.curvatureWarmup ?? 3 }),
      ...average(momentum),
      learningRateStage(learningRate),
    ];
  },
  signalNewton: (options = {}) => {
    const {
      learningRate = .1,
      momentum = .9,
      weightDecay = 0,
      match,
      first = "snr",
      curvature = gaussNewton,
      curvatureDecay = .99,
      damping = .1,
      stepClip = .1,
      curvatureWarmup: warmup = 3,
      ...fraction
    } = options;
    const T = scaleByStage(referenceSignalFraction(fraction));
    const inverse = guarded(curvature, { decay: curvatureDecay, damping, stepClip, warmup });
    return [
      ...(first === "snr" ? [T, inverse] : [inverse, T]),
      ...average(momentum),
      ...decay(weightDecay, match),
      learningRateStage(learningRate),
    ];
  },
};

const gaussNewton: CurvatureSource = { kind: "gaussNewton" };

function guarded(
  curvature: CurvatureSource,
  options: { decay: number; damping: number; stepClip: number; warmup: number },
): ReferenceStage {
  return scaleByStage(
    referenceInverseCurvature(curvature, { dampingForm: "relative", ...options }),
  );
}

function adamDirection({ beta1 = .9, beta2 = .999, epsilon = 1e-8 }: AdamOptions): ReferenceStage {
  return scaleByStage(referenceInverseRms({ decay: beta2, epsilon }), {
    to: momentumStage({ decay: beta1 }),
  });
}

function average(momentum: number): ReferenceStage[] {
  return when(momentum > 0, () => momentumStage({ decay: momentum }));
}

function decay(rate: number, match: ParameterMatch | undefined): ReferenceStage[] {
  return when(
    rate > 0,
    () => decoupledWeightDecayStage(rate, match === undefined ? {} : { match }),
  );
}

function when(condition: boolean, make: () => ReferenceStage): ReferenceStage[] {
  return condition ? [make()] : [];
}
