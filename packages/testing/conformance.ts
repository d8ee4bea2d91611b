/** @module */
import type { Definition } from "@precond/core";
import { referenceOptimizer } from "@precond/core/reference";
import { assertAllClose, type Tolerance } from "./assert_all_close.ts";
import type { ConformanceCase } from "./cases.ts";
import { type TestParameter, testParameters, type TestStep, testSteps } from "./evidence.ts";

/** A backend under test: owns a copy of the weights and steps it. */
export interface Subject {
  step(step: TestStep): void | Promise<void>;
  weights(): Record<string, ArrayLike<number>> | Promise<Record<string, ArrayLike<number>>>;
  dispose(): void;
}

/** Makes a subject for a definition. */
export type SubjectFactory = (
  definition: Definition,
  parameters: Readonly<Record<string, TestParameter>>,
) => Subject | Promise<Subject>;

/**
 * Float32 state and up to 50 steps: rounding of 6e-8 a step, amplified where a signal fraction divides
 * small differences.
 */
export const float32Tolerance: Tolerance = { relative: 5e-5, absolute: 5e-5 };

/** Options of {@linkcode checkConformance}. */
export interface ConformanceOptions {
  readonly tolerance?: Tolerance;
  /** Default 50. */
  readonly steps?: number;
}

type Weights = Readonly<Record<string, readonly number[]>>;

/** By case and number of steps: what is compared after which step. */
const references = new WeakMap<ConformanceCase, Map<number, ReadonlyMap<number, Weights>>>();

/**
 * The reference's weights after the first, second, fifth and every tenth step. It follows the
 * formulas from the whole history, which takes more time than any subject: so it runs once for all of
 * them.
 */
function referenceOf(test: ConformanceCase, steps: readonly TestStep[]) {
  const ofCase = references.get(test) ?? new Map<number, ReadonlyMap<number, Weights>>();
  references.set(test, ofCase);
  const known = ofCase.get(steps.length);
  if (known !== undefined) return known;
  const reference = referenceOptimizer(testParameters(), test.reference());
  const compared = new Map<number, Weights>();
  for (const [t, step] of steps.entries()) {
    reference.step(step.evidence, step);
    if (![1, 2, 5].includes(t + 1) && (t + 1) % 10 !== 0) continue;
    const weights = Object.entries(reference.weights).map(([name, w]) => [name, Array.from(w)]);
    compared.set(t + 1, Object.fromEntries(weights));
  }
  ofCase.set(steps.length, compared);
  return compared;
}

/**
 * Runs a case for 50 steps and compares all weights with the float64 reference after the first,
 * second, fifth and every tenth step.
 */
export async function checkConformance(
  test: ConformanceCase,
  factory: SubjectFactory,
  { tolerance = float32Tolerance, steps: count = 50 }: ConformanceOptions = {},
): Promise<void> {
  const steps = testSteps(count, test.plan);
  const expected = referenceOf(test, steps);
  const subject = await factory(test.definition(), testParameters());
  try {
    for (const [t, step] of steps.entries()) {
      await subject.step(step);
      const reference = expected.get(t + 1);
      if (reference === undefined) continue;
      const weights = await subject.weights();
      for (const [name, values] of Object.entries(reference)) {
        const what = `${test.name}, step ${t + 1}, ${name}`;
        assertAllClose(weights[name]!, values, tolerance, what);
      }
    }
  } finally {
    subject.dispose();
  }
}
