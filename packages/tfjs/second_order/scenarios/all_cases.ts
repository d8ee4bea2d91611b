/** @module */
import type { OpCase } from "../_testing.ts";
import { arithmeticCases } from "../arithmetic/_testing.ts";
import { convolutionCases } from "../convolution/_testing.ts";
import { elementwiseCases } from "../elementwise/_testing.ts";
import { poolingCases } from "../pooling/_testing.ts";
import { reductionsCases } from "../reductions/_testing.ts";
import { shapesCases } from "../shapes/_testing.ts";

/** The operations of every group. */
export const allCases: readonly OpCase[] = [
  ...elementwiseCases,
  ...arithmeticCases,
  ...reductionsCases,
  ...shapesCases,
  ...convolutionCases,
  ...poolingCases,
];
