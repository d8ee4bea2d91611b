/**
 * The learning rate that a tfjs user reads and sets, of a chain that keeps it in a stage.
 *
 * @module
 */
import type { Definition } from "@precond/core";
import { groupsOf } from "@precond/core/backend";

/** The chain's learning rate on that update (1, 2, …); 1 if it has none. */
export function rateOf(definition: Definition, iteration: number): number {
  for (const { chain } of groupsOf(definition)) {
    const stage = chain.stages.find(({ name }) => name === "learningRate");
    const scalars = stage?.transform.scalars({
      step: iteration,
      iteration,
      parameter: { name: "", shape: [] },
      samples: { gradientSquares: 0, curvature: 0 },
      fresh: { gradientSquares: false, curvature: false },
      batchSize: 1,
      microBatches: 1,
    }, undefined);
    if (scalars?.base !== undefined) return scalars.base;
  }
  return 1;
}

/** Refuses a learning rate that is out of range, or that the chain has no place for. */
export function checkRate(definition: Definition, rate: number): number {
  const has = groupsOf(definition).every(({ chain }) =>
    chain.stages.some(({ name }) => name === "learningRate")
  );
  if (!has) {
    throw new TypeError("Cannot set the learning rate: the chain has no learningRate()");
  }
  if (!(rate >= 0 && rate < Infinity)) {
    throw new RangeError(
      `Cannot set the learning rate: it must be finite and not negative, current value is ${rate}`,
    );
  }
  return rate;
}
