/** @module */
import { cnnProblem, mlpProblem, softmaxProblem } from "./digit_problems.ts";
import { federatedProblem } from "./federated.ts";
import { fewShotProblem } from "./few_shot.ts";
import { labelNoiseProblem, noiseShares } from "./label_noise.ts";
import type { Problem } from "./problem.ts";
import { rotatedProblem } from "./rotated.ts";
import { theoryProblems } from "./separable.ts";
import { sparseLogisticProblem } from "./sparse_logistic.ts";
import { tabularClassification, tabularRegression } from "./tabular.ts";

/** Every problem, in its quick or its full size. */
export function allProblems(full: boolean): Problem[] {
  return [
    ...theoryProblems(full),
    rotatedProblem(full),
    softmaxProblem(full),
    mlpProblem(full),
    cnnProblem(full),
    tabularRegression(full),
    tabularClassification(full),
    sparseLogisticProblem(full),
    labelNoiseProblem(full),
    ...noiseShares.map((share) => labelNoiseProblem(full, share)),
    fewShotProblem(full),
    federatedProblem(full),
  ];
}
