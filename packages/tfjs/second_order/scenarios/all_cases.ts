/** @module */
import type { OpCase } from "./operations.ts";
import { arithmeticCases } from "./arithmetic.ts";
import { convolutionCases } from "./convolution.ts";
import { elementwiseCases } from "./elementwise.ts";
import { poolingCases } from "./pooling.ts";
import { reductionsCases } from "./reductions.ts";
import { shapesCases } from "./shapes.ts";

/** The operations of every group. */
export const allCases: readonly OpCase[] = [
  ...elementwiseCases,
  ...arithmeticCases,
  ...reductionsCases,
  ...shapesCases,
  ...convolutionCases,
  ...poolingCases,
];
