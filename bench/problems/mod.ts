/** @module */
import { cnnProblem, labelNoiseProblem, mlpProblem, softmaxProblem } from "./digit_problems.ts";
import type { Problem } from "./problem.ts";
import { rotatedProblem } from "./rotated.ts";
import { theoryProblems } from "./separable.ts";
import { sparseLogisticProblem } from "./sparse_logistic.ts";

/** Every problem, in its quick or its full size. */
export function allProblems(full: boolean): Problem[] {
  return [
    ...theoryProblems(full),
    rotatedProblem(full),
    softmaxProblem(full),
    mlpProblem(full),
    cnnProblem(full),
    sparseLogisticProblem(full),
    labelNoiseProblem(full),
  ];
}
