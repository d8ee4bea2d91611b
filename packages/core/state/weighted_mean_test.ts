import assert from "node:assert/strict";
import { weightedMean } from "./weighted_mean.ts";

Deno.test("weightedMean() adds in float64 and rounds once", () => {
  const shares = [[0.25, 2 ** 25], [0.25, 4], [0.5, -(2 ** 24)]].map(([weight, x]) => ({
    weight: weight!,
    values: Float32Array.of(x!, weight!),
  }));
  // 2²³ + 1 − 2²³ and ¹⁄₁₆ + ¹⁄₁₆ + ¼
  assert.deepEqual([...weightedMean(shares)], [1, 0.375]);
});
