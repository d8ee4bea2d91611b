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
 * Float32 state and 50 steps: rounding of 6e-8 a step, amplified where a signal fraction divides
 * small differences.
 */
export const float32Tolerance: Tolerance = { relative: 5e-5, absolute: 5e-5 };

/** Options of {@linkcode checkConformance}. */
export interface ConformanceOptions {
  readonly tolerance?: Tolerance;
  /** Default 50. */
  readonly steps?: number;
}

/**
 * Runs a case for 50 steps beside the float64 reference and compares all weights after the first,
 * second, fifth and every tenth step.
 */
export async function checkConformance(
  test: ConformanceCase,
  factory: SubjectFactory,
  { tolerance = float32Tolerance, steps: count = 50 }: ConformanceOptions = {},
): Promise<void> {
  const parameters = testParameters();
  const reference = referenceOptimizer(parameters, test.reference());
  const subject = await factory(test.definition(), testParameters());
  try {
    const steps = testSteps(count, test.plan);
    for (const [t, step] of steps.entries()) {
      reference.step(step.evidence, step);
      await subject.step(step);
      if (![1, 2, 5].includes(t + 1) && (t + 1) % 10 !== 0) continue;
      const weights = await subject.weights();
      for (const name of Object.keys(parameters)) {
        const what = `${test.name}, step ${t + 1}, ${name}`;
        assertAllClose(weights[name]!, reference.weights[name]!, tolerance, what);
      }
    }
  } finally {
    subject.dispose();
  }
}
