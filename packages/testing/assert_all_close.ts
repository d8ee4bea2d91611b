/** @module */
import { AssertionError } from "node:assert";

/** Tolerances of {@linkcode assertAllClose}. */
export interface Tolerance {
  /** Relative to the expected value; default 1e-6. */
  readonly relative?: number;
  /** Default 0. */
  readonly absolute?: number;
}

/**
 * Asserts `|actual − expected| ≤ absolute + relative · |expected|` for each element; NaN equals
 * nothing, infinities equal themselves.
 *
 * @throws {AssertionError} Naming the worst element.
 */
export function assertAllClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: Tolerance = {},
  what = "array",
): void {
  const { relative = 1e-6, absolute = 0 } = tolerance;
  if (actual.length !== expected.length) {
    throw new AssertionError({
      message: `${what} has ${actual.length} elements, expected ${expected.length}`,
    });
  }
  let worst = -1, excess = 1;
  for (let i = 0; i < expected.length; i++) {
    const [a, e] = [actual[i]!, expected[i]!];
    if (a === e) continue;
    const bound = absolute + relative * Math.abs(e);
    const ratio = Number.isFinite(a) && Number.isFinite(e) && bound > 0
      ? Math.abs(a - e) / bound
      : Infinity;
    if (ratio > excess) [worst, excess] = [i, ratio];
  }
  if (worst >= 0) {
    throw new AssertionError({
      message: `${what}[${worst}] is ${actual[worst]}, expected ${
        expected[worst]
      } within ${absolute} + ${relative} relative (${excess.toPrecision(3)} times the tolerance)`,
      actual: actual[worst],
      expected: expected[worst],
    });
  }
}
