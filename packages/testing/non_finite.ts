/**
 * What becomes of gradients that are not finite, or whose squares overflow or vanish: the same on
 * every backend, and what the reference says.
 *
 * @module
 */
import * as core from "@precond/core";
import * as pieces from "@precond/core/pieces";
import * as ref from "@precond/core/reference";
import { assertAllClose } from "./assert_all_close.ts";
import type { ConformanceCase } from "./cases.ts";
import { float32Tolerance, type SubjectFactory } from "./conformance.ts";
import { testParameters, type TestStep, testSteps } from "./evidence.ts";

type Pair = [
  name: string,
  definition: () => core.Definition,
  reference: () => ref.ReferenceStage[],
];

const rate = () => core.learningRate(0.1);
const rateStage = () => ref.learningRateStage(0.1);
const piece = (
  name: string,
  transform: () => core.Transform,
  stage: () => ref.ReferenceStage,
): Pair => [name, () => core.chain(transform(), rate()), () => [stage(), rateStage()]];
const T = (options: core.SignalFractionOptions): Pair =>
  piece(
    `signalFraction(${JSON.stringify(options)})`,
    () => core.scaleBy(core.signalFraction(options)),
    () => ref.scaleByStage(ref.referenceSignalFraction(options)),
  );

const pairs: Pair[] = [
  ["sgd", () => core.sgd({ momentum: 0.9 }), () => ref.references.sgd({ momentum: 0.9 })],
  ["adam", () => core.adam(), () => ref.references.adam()],
  ["sophia", () => core.sophia(), () => ref.references.sophia()],
  ["adaHessian", () => core.adaHessian(), () => ref.references.adaHessian()],
  [
    "signalSgd",
    () => core.signalSgd({ momentum: 0.9 }),
    () => ref.references.signalSgd({ momentum: 0.9 }),
  ],
  ["mSvag", () => core.mSvag(), () => ref.references.mSvag()],
  ["vSgd", () => core.vSgd(), () => ref.references.vSgd()],
  T({ pool: "row" }),
  T({ decay: 0, correction: "none" }),
  T({ memory: "adaptive", warmup: 3 }),
  piece(
    "normalizedSignal",
    () => core.scaleBy(pieces.normalizedSignal()),
    () => ref.scaleByStage(ref.referenceNormalizedSignal()),
  ),
  piece(
    "momentum without memory",
    () => core.momentum({ decay: 0 }),
    () => ref.momentumStage({ decay: 0 }),
  ),
  piece("clipByValue", () => core.clipByValue(0.5), () => ref.clipByValueStage(0.5)),
  piece("clipByGlobalNorm", () => core.clipByGlobalNorm(0.5), () => ref.clipByGlobalNormStage(0.5)),
  piece(
    "unitNorm",
    () => core.unitNorm({ scope: "all" }),
    () => ref.unitNormStage({ scope: "all" }),
  ),
  piece(
    "stepClip",
    () => core.scaleBy(core.inverseCurvature(core.userCurvature(), { stepClip: 0.5 })),
    () => ref.scaleByStage(ref.referenceInverseCurvature({ kind: "user" }, { stepClip: 0.5 })),
  ),
  piece(
    "the empirical Fisher",
    () => core.scaleBy(core.inverseCurvature(core.empiricalFisher(), { damping: 1e-2 })),
    () =>
      ref.scaleByStage(
        ref.referenceInverseCurvature({ kind: "empiricalFisher", from: "gradient" }, {
          damping: 1e-2,
        }),
      ),
  ),
  ["a rate of 0", () => core.chain(core.learningRate(0)), () => [ref.learningRateStage(0)]],
  ...(["clipByGlobalNorm", "unitNorm"] as const).map((norm): Pair => {
    const clips = norm === "clipByGlobalNorm";
    const scope = "tensor";
    return [
      `skipNonFinite by tensor, then ${norm}`,
      () =>
        core.chain(
          core.skipNonFinite({ scope }),
          clips ? core.clipByGlobalNorm(0.5) : core.unitNorm({ scope: "all" }),
          rate(),
        ),
      () => [
        ref.skipNonFiniteStage({ scope }),
        clips ? ref.clipByGlobalNormStage(0.5) : ref.unitNormStage({ scope: "all" }),
        rateStage(),
      ],
    ];
  }),
];

/** Chains that meet such gradients, with their references. */
export const nonFiniteCases: readonly ConformanceCase[] = pairs.map((
  [name, definition, reference],
) => ({ name, definition, reference, plan: { curvature: () => true } }));

/** Extreme elements of a run: of one tensor in the first step, of another in the third. */
export type Extremes = readonly [first: number, third: number];

/**
 * Not a number, infinite, of a square that overflows, of one that vanishes: each case meets each of
 * them once, and every second case the other way round, as one run takes two.
 */
function extremesOf(test: ConformanceCase): readonly Extremes[] {
  const pairs: readonly Extremes[] = [[NaN, 1e20], [1e-40, -Infinity], [-3e30, Infinity]];
  return nonFiniteCases.indexOf(test) % 2 === 0
    ? pairs
    : pairs.map(([first, third]) => [third, first]);
}

function steps([first, third]: Extremes): TestStep[] {
  const all = testSteps(6, { curvature: () => true });
  all[0]!.evidence.bias!.gradient[2] = first;
  all[2]!.evidence.kernel!.gradient[4] = third;
  return all;
}

/**
 * Runs a case for six steps beside the float64 reference and compares all weights after each: NaN
 * where it says NaN and nowhere else, infinities alike, other numbers within the usual tolerance.
 */
export async function checkNonFinite(
  test: ConformanceCase,
  factory: SubjectFactory,
  runs: readonly Extremes[] = extremesOf(test),
): Promise<void> {
  for (const run of runs) {
    const parameters = testParameters();
    const reference = ref.referenceOptimizer(parameters, test.reference());
    const subject = await factory(test.definition(), testParameters());
    try {
      for (const [t, step] of steps(run).entries()) {
        reference.step(step.evidence, step);
        await subject.step(step);
        const weights = await subject.weights();
        for (const name of Object.keys(parameters)) {
          const what = `${test.name}, gradients of ${run.join(" and ")}, step ${t + 1}, ${name}`;
          const expected = reference.weights[name]!, actual = Array.from(weights[name]!);
          const unknown = (x: ArrayLike<number>) => Array.from(x, (x) => Number(Number.isNaN(x)));
          assertAllClose(unknown(actual), unknown(expected), {}, `1 for NaN in ${what}`);
          const known = (x: ArrayLike<number>) => Array.from(x, (x) => Number.isNaN(x) ? 0 : x);
          assertAllClose(known(actual), known(expected), float32Tolerance, what);
        }
      }
    } finally {
      subject.dispose();
    }
  }
}
