import assert from "node:assert/strict";
import { averageWeights, chain, createOptimizer, learningRate } from "../mod.ts";

const f32 = (...values: number[]) => Float32Array.from(values);

/** The averages after each step of weights that go to given values. */
function averages(
  path: readonly number[],
  decay: number,
  lowering: "javascript" | "wasm" = "javascript",
): number[] {
  const definition = chain(learningRate(1), averageWeights({ decay }));
  const optimizer = createOptimizer(definition, { lowering });
  const weights = f32(path[0]!);
  return path.map((next) => {
    // A rate of 1: the gradient is the distance.
    optimizer.step({ w: { weights, gradient: f32(weights[0]! - next) } });
    return optimizer.slot("w", "averageWeights.average")[0]!;
  });
}

Deno.test("averageWeights() weighs the weights after the steps by powers of its decay, over their sum", () => {
  // β = 1/2: 1; (1 + 2·2)/3; (1 + 2·2 + 4·4)/7.
  assert.deepEqual(f32(...averages([1, 2, 4], 0.5)), f32(1, 5 / 3, 3));
  assert.deepEqual(averages([1, 2, 4], 0), [1, 2, 4]);
});

Deno.test("averageWeights() leaves weights that stand still as they are, however long its memory", () => {
  for (const lowering of ["javascript", "wasm"] as const) {
    for (const decay of [0.99, 0.999, 0.9997]) {
      const last = averages(new Array(20000).fill(1 / 3), decay, lowering).at(-1)!;
      const exact = Math.fround(1 / 3);
      // Rounding of one step, not of a thousand in one direction.
      const ulps = Math.abs(last - exact) / exact * 2 ** 24;
      assert.ok(ulps <= 4, `${lowering}, ${decay}: ${ulps} roundings off`);
    }
  }
});
