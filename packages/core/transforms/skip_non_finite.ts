/** @module */
import { checkOptions } from "../checks.ts";
import { specify } from "../chain/specification.ts";
import type { Transform } from "../chain/types.ts";
import * as kinds from "../kinds.ts";
import { abs, add, and, gt, isFinite, le, select } from "../kernel/expr.ts";

/** Options of {@linkcode skipNonFinite}. */
export interface SkipNonFiniteOptions {
  /** Skip the whole step (default), or only the tensor that has a bad gradient. */
  readonly scope?: "all" | "tensor";
}

/** √ of the largest float32: the squares of larger gradients overflow. */
const largest = 1.8e19;

/**
 * Skips steps whose gradient (or curvature sample, or `gradientSquares`) has a NaN, an infinity or
 * a gradient whose square overflows float32: weights, slots and step counts stay as they are, and
 * the slot `skipped` counts up.
 *
 * The check runs inside the kernel; nothing is read back from a device. Hosts that cannot know that
 * a step was held (GPUs, plain tf ops) advance its step counts: bias corrections are off by that one
 * step, and a curvature sample of that step is lost until the next one is due.
 *
 * @example
 * ```ts
 * import { chain, createOptimizer, learningRate, skipNonFinite } from "@precond/core";
 * import assert from "node:assert/strict";
 *
 * const optimizer = createOptimizer(chain(skipNonFinite(), learningRate(1)));
 * const weights = Float32Array.of(5);
 * optimizer.step({ w: { weights, gradient: Float32Array.of(NaN) } });
 * assert.equal(weights[0], 5);
 * assert.equal(optimizer.slot("w", "skipNonFinite.skipped")[0], 1);
 * ```
 */
export function skipNonFinite(options: SkipNonFiniteOptions = {}): Transform {
  const given = checkOptions("skip steps", options, { scope: kinds.oneOf("all", "tensor") });
  const { scope = "all" } = given;
  return {
    ...specify("skipNonFinite", given),
    name: "skipNonFinite",
    needs: ["gradient"],
    slots: { skipped: { shape: "tensor", merge: "sum" } },
    scales: true,
    scalars: () => ({}),
    apply({ x, gradient, curvature, gradientSquares, rawGradientSquares, slot, sum }) {
      let good = and(isFinite(gradient), le(abs(gradient), largest));
      if (curvature) good = and(good, isFinite(curvature));
      if (rawGradientSquares) good = and(good, isFinite(rawGradientSquares));
      const bad = sum(select(good, 0, 1), scope);
      return {
        update: x,
        slots: {},
        hold: gt(bad, 0),
        heldSlots: { skipped: add(slot("skipped"), 1) },
        ...(gradientSquares ? { gradientSquares } : {}),
      };
    },
  };
}
