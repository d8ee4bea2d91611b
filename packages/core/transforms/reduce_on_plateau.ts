/**
 * A learning rate that follows what is measured, not the number of updates.
 *
 * @module
 */
import { checkRated } from "../chain/rate.ts";
import type { Definition } from "../chain/per_parameter.ts";
import { checkOptions, checkValue } from "../checks.ts";
import * as kinds from "../kinds.ts";

/** Options of {@linkcode reduceOnPlateau}. */
export interface ReduceOnPlateauOptions {
  /** The rate is multiplied by this, in (0, 1); default 0.5. */
  readonly factor?: number;
  /** Calls of `update` without improvement that are borne before that; default 10. */
  readonly patience?: number;
  /** "min" (default): lower is better; "max": higher is. */
  readonly mode?: "min" | "max";
  /** By how much a metric must be better than the best one to be an improvement; default 0. */
  readonly threshold?: number;
  /** Calls of `update` after a reduction that do not count; default 0. */
  readonly cooldown?: number;
  /** The rate is not made lower than this; default 0. */
  readonly minimum?: number;
  /** The `state` of another one, to go on where it stopped; default a fresh start. */
  readonly state?: PlateauState;
}

/** What {@linkcode reduceOnPlateau} remembers: numbers that JSON can hold. */
export interface PlateauState {
  /** The best metric so far; null before the first one. */
  readonly best: number | null;
  /** Calls without improvement since then. */
  readonly waited: number;
  /** Calls that still do not count. */
  readonly resting: number;
}

/** A learning rate that is reduced when a metric stops improving. */
export interface Plateau {
  /** Tells it the metric of an epoch; returns the learning rate from now on. */
  update(metric: number): number;
  /** For saving, beside the optimizer, which saves the rate. */
  readonly state: PlateauState;
}

const kindOfState = {
  must: "be the state of a reduceOnPlateau()",
  type: (value: unknown) => typeof value === "object" && value !== null && "waited" in value,
  range: ({ best, waited, resting }: PlateauState) =>
    (best === null || Number.isFinite(best)) && [waited, resting].every(Number.isSafeInteger),
};

/**
 * Multiplies an optimizer's learning rate by `factor` once a metric has not improved for more than
 * `patience` calls of `update`. A metric that is NaN is no improvement.
 *
 * Works with everything that has a `learningRate` to read and to set; the optimizer's `definition` says
 * whether that can be. The metric is usually the
 * validation loss of an epoch, in any unit.
 *
 * Source: PyTorch's ReduceLROnPlateau, with an absolute threshold; Keras's callback of that name.
 *
 * @throws {TypeError} If the optimizer, or one of its groups, has no learning rate, or for an option that is unknown or of
 * the wrong type.
 * @throws {RangeError} For an option out of range.
 *
 * @example
 * ```ts
 * import { createOptimizer, reduceOnPlateau, sgd } from "@precond/core";
 * import assert from "node:assert/strict";
 *
 * const optimizer = createOptimizer(sgd({ learningRate: 0.8 }));
 * const plateau = reduceOnPlateau(optimizer, { factor: 0.5, patience: 1 });
 * const losses = [3, 2, 2.5, 2.1, 1.9];
 * assert.deepEqual(losses.map((loss) => plateau.update(loss)), [0.8, 0.8, 0.8, 0.4, 0.4]);
 * ```
 */
export function reduceOnPlateau(
  optimizer: { learningRate: number | undefined; readonly definition?: Definition },
  options: ReduceOnPlateauOptions = {},
): Plateau {
  const action = "reduce the learning rate on a plateau";
  checkValue(
    action,
    optimizer,
    {
      must: "be an optimizer with a learning rate",
      type: (value) =>
        typeof value === "object" && value !== null && "learningRate" in value &&
        typeof value.learningRate === "number",
    },
    "the first argument",
  );
  // TensorFlow.js reads a rate of 1 where the chain has none, and refuses the first reduction.
  const { definition } = optimizer;
  if (definition !== undefined) checkRated(definition);
  const given = checkOptions(action, options, {
    factor: kinds.between(0, 1),
    patience: kinds.integer(0),
    mode: kinds.oneOf("min", "max"),
    threshold: kinds.nonNegative,
    cooldown: kinds.integer(0),
    minimum: kinds.nonNegative,
    state: kindOfState,
  });
  const { factor = 0.5, patience = 10, mode = "min", threshold = 0 } = given;
  const { cooldown = 0, minimum = 0 } = given;
  let { best, waited, resting } = given.state ?? { best: null, waited: 0, resting: 0 };
  const improves = (metric: number) =>
    Number.isFinite(metric) &&
    (best === null || (mode === "min" ? metric < best - threshold : metric > best + threshold));
  return {
    update(metric) {
      checkValue(
        action,
        metric,
        { must: "be a number", type: (x) => typeof x === "number" },
        "metric",
      );
      const rate = optimizer.learningRate!;
      if (improves(metric)) [best, waited] = [metric, 0];
      else waited++;
      if (resting > 0) [resting, waited] = [resting - 1, 0];
      if (waited <= patience) return rate;
      const next = Math.min(rate, Math.max(rate * factor, minimum));
      if (next < rate) optimizer.learningRate = next;
      [waited, resting] = [0, cooldown];
      return next;
    },
    get state() {
      return { best, waited, resting };
    },
  };
}
