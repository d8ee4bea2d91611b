/** @module */
import { type Definition, groupsOf } from "./per_parameter.ts";

/**
 * Whether a piece takes `gradientSquares` for what they are in the mean, the squared gradients of the
 * examples: of a batch of one those are known, where a variance is not.
 */
export function takesRawSquares(definition: Definition): boolean {
  return groupsOf(definition).some(({ chain }) =>
    chain.stages.some(({ transform: { needs, rawSquares } }) =>
      rawSquares && needs.includes("gradientSquares")
    )
  );
}
