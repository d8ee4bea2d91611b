/**
 * The conformance cases: each alias, and each option of each piece, with its reference.
 *
 * @module
 */
import * as core from "@precond/core";
import * as pieces from "@precond/core/pieces";
import type { Definition } from "@precond/core";
import * as ref from "@precond/core/reference";
import type { EvidencePlan } from "./evidence.ts";

/** A definition and the reference that it must follow. */
export interface ConformanceCase {
  readonly name: string;
  readonly definition: () => Definition;
  readonly reference: () => ref.ReferenceStage[];
  readonly plan: EvidencePlan;
}

const always = () => true;
const everyThird = (t: number) => t % 3 === 0;
const sampled: EvidencePlan = { curvature: everyThird };

const aliases: ConformanceCase[] = [
  ["sgd", {}, {}],
  ["sgd", { momentum: 0.9, nesterov: true }, {}],
  ["adam", {}, {}],
  ["adamW", { weightDecay: 0.1, match: /kernel/ }, {}],
  ["svag", {}, {}],
  ["mSvag", {}, {}],
  ["vSgd", {}, sampled],
  ["sophia", {}, sampled],
  ["adaHessian", {}, sampled],
  ["naturalSnr", {}, sampled],
  ["signalSgd", { momentum: 0.9 }, {}],
  ["diagonalNewton", { momentum: 0.9 }, sampled],
  ["signalNewton", { weightDecay: 0.01 }, sampled],
  ["signalNewton", { first: "curvature" }, sampled],
].map(([alias, options, plan]) => {
  const key = alias as "adam";
  return {
    name: `${key}(${Object.keys(options as object).join(", ")})`,
    definition: () => core[key](options as core.AdamOptions),
    reference: () => ref.references[key](options as core.AdamOptions),
    plan: plan as EvidencePlan,
  };
});

function fraction(options: core.SignalFractionOptions, plan: EvidencePlan = {}): ConformanceCase {
  return {
    name: `signalFraction(${JSON.stringify(options)})`,
    definition: () => core.chain(core.scaleBy(core.signalFraction(options))),
    reference: () => [ref.scaleByStage(ref.referenceSignalFraction(options))],
    plan,
  };
}

const squares: EvidencePlan = { gradientSquares: always };
const fractions: ConformanceCase[] = [
  fraction({}),
  fraction({ decay: 0 }),
  fraction({ decay: 0.99, floor: 0 }),
  fraction({ of: "mean" }),
  fraction({ of: "mean", correction: "variance" }),
  fraction({ correction: "none", exponent: 0.5 }),
  fraction({ exponent: 0.5, scale: "unit-norm" }),
  fraction({ of: "mean", scale: "unit-norm", correction: "variance" }),
  fraction({ exponent: 0.5, scale: "signal" }),
  fraction({ memory: "adaptive", warmup: 10, exponent: 0.5, scale: "signal" }),
  fraction({ exponent: 1.375 }),
  fraction({ pool: "row" }),
  fraction({ pool: "tensor", scale: "unit-norm" }),
  fraction({ lag: true }),
  fraction({ lag: true, scale: "unit-norm", pool: "row" }),
  fraction({ memory: "adaptive" }),
  fraction({ memory: "adaptive", warmup: 5, correction: "variance", floor: 0.25 }),
  fraction({ memory: "adaptive", pool: "row", exponent: 0.5, lag: true }),
  fraction({ from: "gradientSquares" }, squares),
  fraction({ from: "gradientSquares", decay: 0, floor: 0 }, squares),
  fraction({ from: "gradientSquares", pool: "tensor", scale: "unit-norm" }, {
    gradientSquares: (t) => t % 4 === 1,
  }),
];

const normalized: ConformanceCase[] = [
  {},
  { decay: 0.9, growth: 1, exponent: 1, floor: 0 },
  { growth: 0.25, memory: 8, warmup: 3, epsilon: 0 },
].map((options) => ({
  name: `normalizedSignal(${JSON.stringify(options)})`,
  definition: () =>
    core.chain(core.scaleBy(pieces.normalizedSignal(options)), core.learningRate(0.1)),
  reference: () => [
    ref.scaleByStage(ref.referenceNormalizedSignal(options)),
    ref.learningRateStage(0.1),
  ],
  plan: {},
}));

const curvatures: ConformanceCase[] = ([
  [{ damping: 0 }, sampled],
  [{ moment: "rms", gain: 2, damping: 1e-3 }, sampled],
  [{ sign: "positive", dampingForm: "max", damping: 0.1, debias: false }, sampled],
  [{ decay: 0, stepClip: 0.5 }, sampled],
] as [core.InverseCurvatureOptions, EvidencePlan][]).map(([options, plan]) => ({
  name: `inverseCurvature(${JSON.stringify(options)})`,
  definition: () => core.chain(core.scaleBy(core.inverseCurvature(core.userCurvature(), options))),
  reference: () => [
    ref.scaleByStage(ref.referenceInverseCurvature({ kind: "user" }, options)),
  ],
  plan,
}));

const chains: ConformanceCase[] = [
  {
    name: "empirical Fisher from the gradient",
    definition: () =>
      core.chain(core.scaleBy(core.inverseCurvature(core.empiricalFisher(), { damping: 1e-2 }))),
    reference: () => [
      ref.scaleByStage(
        ref.referenceInverseCurvature({ kind: "empiricalFisher", from: "gradient" }, {
          damping: 1e-2,
        }),
      ),
    ],
    plan: {},
  },
  {
    name: "empirical Fisher from gradientSquares, T on H⁻¹g from gradientSquares",
    definition: () =>
      core.chain(
        core.scaleBy(
          core.inverseCurvature(core.empiricalFisher({ from: "gradientSquares" }), { decay: 0.9 }),
        ),
        core.scaleBy(core.signalFraction({ from: "gradientSquares" })),
      ),
    reference: () => [
      ref.scaleByStage(
        ref.referenceInverseCurvature({ kind: "empiricalFisher", from: "gradientSquares" }, {
          decay: 0.9,
        }),
      ),
      ref.scaleByStage(ref.referenceSignalFraction({ from: "gradientSquares" })),
    ],
    plan: { gradientSquares: everyThird },
  },
  {
    name: "inverseRms inside, then T^½ with unit norm",
    definition: () =>
      core.chain(
        core.scaleBy(pieces.inverseRms({ decay: 0.9, epsilon: 1e-6, placement: "inside" })),
        core.scaleBy(core.signalFraction({ exponent: 0.5, scale: "unit-norm" })),
        core.learningRate(
          pieces.warmUp({ steps: 5, then: pieces.cosine({ from: 0.1, steps: 30 }) }),
        ),
      ),
    reference: () => [
      ref.scaleByStage(
        ref.referenceInverseRms({ decay: 0.9, epsilon: 1e-6, placement: "inside" }),
      ),
      ref.scaleByStage(ref.referenceSignalFraction({ exponent: 0.5, scale: "unit-norm" })),
      ref.learningRateStage(
        ref.warmUpSchedule({ steps: 5, then: ref.cosineSchedule({ from: 0.1, steps: 30 }) }),
      ),
    ],
    plan: {},
  },
  {
    name: "AdamW of adam_mode 1: ε uncorrected, decay after the update",
    definition: () =>
      core.chain(
        core.scaleBy(
          pieces.inverseRms({ decay: 0.99, epsilon: 1e-2, placement: "uncorrected" }),
          { to: core.momentum({ decay: 0.9 }) },
        ),
        core.learningRate(0.05, { decayAfter: 0.1 }),
      ),
    reference: () => [
      ref.scaleByStage(
        ref.referenceInverseRms({ decay: 0.99, epsilon: 1e-2, placement: "uncorrected" }),
        { to: ref.momentumStage({ decay: 0.9 }) },
      ),
      ref.learningRateStage(0.05, { decayAfter: 0.1 }),
    ],
    plan: {},
  },
  {
    name: "global norm, Nesterov average, clip by value, schedules per parameter",
    definition: () =>
      core.chain(
        core.clipByGlobalNorm(2),
        core.momentum({ decay: 0.8, nesterov: true }),
        core.clipByValue(0.3),
        core.learningRate(pieces.linear({ from: 0.2, to: 0.01, steps: 40 }), {
          multiplier: ({ name }) => name === "bias" ? 2 : 1,
        }),
      ),
    reference: () => [
      ref.clipByGlobalNormStage(2),
      ref.momentumStage({ decay: 0.8, nesterov: true }),
      ref.clipByValueStage(0.3),
      ref.learningRateStage(ref.linearSchedule({ from: 0.2, to: 0.01, steps: 40 }), {
        multiplier: (name) => name === "bias" ? 2 : 1,
      }),
    ],
    plan: {},
  },
  {
    name: "unit norms of tensor and all, step decay, of chains in chains",
    definition: () =>
      core.chain(
        core.chain(core.unitNorm(), core.chain(core.momentum({ form: "sum" }))),
        core.unitNorm({ scope: "all", epsilon: 0.1 }),
        core.learningRate(pieces.stepDecay({ from: 0.1, factor: 0.5, every: 10 })),
      ),
    reference: () => [
      ref.unitNormStage(),
      ref.momentumStage({ form: "sum" }),
      ref.unitNormStage({ scope: "all", epsilon: 0.1 }),
      ref.learningRateStage(ref.stepDecaySchedule({ from: 0.1, factor: 0.5, every: 10 })),
    ],
    plan: {},
  },
];

function basis(every: number, ...inner: readonly [core.Transform, ref.ReferenceStage][]) {
  return {
    definition: () =>
      core.chain(
        // A chain in a basis stands for its transforms, and so does the chain around it.
        core.chain(
          core.inBasis(
            core.kronecker({ every, sides: "both" }),
            core.chain(...inner.map(([t]) => t)),
          ),
        ),
        core.momentum({ decay: 0.5 }),
        core.learningRate(0.05),
      ),
    reference: ({ reads = "sync", outputAxis = "last" }: BasisHost = {}) => [
      ref.inBasisStage(
        { every, delay: reads === "sync" ? 0 : every, outputAxis },
        ...inner.map(([, stage]) => stage),
      ),
      ref.momentumStage({ decay: 0.5 }),
      ref.learningRateStage(0.05),
    ],
    plan: {},
  };
}

/** What the course of a basis depends on besides its options. */
export interface BasisHost {
  /** With "async" a refresh takes effect `every` steps later; default "sync". */
  readonly reads?: "sync" | "async";
  /** Default "last". */
  readonly outputAxis?: "first" | "last";
}

const basisDefinitions: readonly (Omit<ConformanceCase, "reference"> & {
  reference(host: BasisHost): ref.ReferenceStage[];
})[] = [
  {
    name: "inBasis(inverseRms)",
    ...basis(8, [
      core.scaleBy(pieces.inverseRms({ decay: 0.9, epsilon: 1e-3 })),
      ref.scaleByStage(ref.referenceInverseRms({ decay: 0.9, epsilon: 1e-3 })),
    ]),
  },
  {
    name: "inBasis(normalizedSignal)",
    ...basis(10, [
      core.scaleBy(pieces.normalizedSignal({ epsilon: 1e-3 })),
      ref.scaleByStage(ref.referenceNormalizedSignal({ epsilon: 1e-3 })),
    ]),
  },
];

/** Cases in a Kronecker eigenbasis, as a host runs them. */
export function basisCases(host: BasisHost = {}): ConformanceCase[] {
  return basisDefinitions.map((test) => ({ ...test, reference: () => test.reference(host) }));
}

/** Steps with NaN and infinite gradients; only for hosts that know at once that a step is held. */
export const heldCases: readonly ConformanceCase[] = (["all", "tensor"] as const).map((scope) => ({
  name: `skipNonFinite(${scope})`,
  definition: () =>
    core.chain(
      core.skipNonFinite({ scope }),
      core.scaleBy(core.signalFraction({ decay: 0.9 })),
      core.learningRate(0.1),
    ),
  reference: () => [
    ref.skipNonFiniteStage({ scope }),
    ref.scaleByStage(ref.referenceSignalFraction({ decay: 0.9 })),
    ref.learningRateStage(0.1),
  ],
  plan: { nonFinite: (t: number) => t === 0 || t % 7 === 3 },
}));

/** What every backend must pass. */
export const conformanceCases: readonly ConformanceCase[] = [
  ...aliases,
  ...fractions,
  ...normalized,
  ...curvatures,
  ...chains,
];
