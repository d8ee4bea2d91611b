/** @module */
import { cnnProblem, mlpProblem, softmaxProblem } from "./digit_problems.ts";
import { federatedProblem } from "./federated.ts";
import { fewShotProblem } from "./few_shot.ts";
import { labelNoiseProblem, noiseShares } from "./label_noise.ts";
import { resnetProblem, vaeProblem } from "./image_problems.ts";
import type { Problem } from "./problem.ts";
import { rotatedProblem } from "./rotated.ts";
import { theoryProblems } from "./separable.ts";
import { sparseLogisticProblem } from "./sparse_logistic.ts";
import { tabularClassification, tabularRegression } from "./tabular.ts";
import { guideText, type Text } from "./text.ts";
import { gruProblem, transformerProblem } from "./text_problems.ts";

/** Every problem, in its quick or its full size; a text for the language models. */
export function allProblems(full: boolean, text: Text = guideText()): Problem[] {
  return [
    ...theoryProblems(full),
    rotatedProblem(full),
    softmaxProblem(full),
    mlpProblem(full),
    cnnProblem(full),
    tabularRegression(full),
    tabularClassification(full),
    resnetProblem(full),
    vaeProblem(full),
    gruProblem(full, text),
    transformerProblem(full, text),
    sparseLogisticProblem(full),
    labelNoiseProblem(full),
    ...noiseShares.map((share) => labelNoiseProblem(full, share)),
    fewShotProblem(full),
    federatedProblem(full),
  ];
}
