/** @module */
import { specify } from "../chain/specification.ts";
import type { Transform } from "../chain/types.ts";
import { add, gt, isFinite, select } from "../kernel/expr.ts";

/** Options of {@linkcode skipNonFinite}. */
export interface SkipNonFiniteOptions {
  /** Skip the whole step (default), or only the tensor that has a bad gradient. */
  readonly scope?: "all" | "tensor";
}

/**
 * Skips steps whose gradient has a NaN or an infinity: weights, slots and step counts stay as they
 * are, and the slot `skipped` counts up.
 *
 * The check runs inside the kernel; nothing is read back from a device.
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
  const { scope = "all" } = options;
  if (scope !== "all" && scope !== "tensor") {
    throw new RangeError(
      `Cannot skip steps: scope must be "all" or "tensor", current value is "${scope}"`,
    );
  }
  return {
    ...specify("skipNonFinite", options),
    name: "skipNonFinite",
    needs: ["gradient"],
    slots: { skipped: { shape: "tensor" } },
    scales: true,
    scalars: () => ({}),
    apply({ x, gradient, gradientSquares, slot, sum }) {
      const bad = sum(select(isFinite(gradient), 0, 1), scope);
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
