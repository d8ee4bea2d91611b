import assert from "node:assert/strict";
import fc from "fast-check";
import { assertAllClose, random } from "@precond/testing";
import {
  chain,
  createOptimizer,
  empiricalFisher,
  gaussNewton,
  hutchinson,
  inverseCurvature,
  type InverseCurvatureOptions,
  learningRate,
  scaleBy,
  userCurvature,
} from "../mod.ts";

const newton = (options: InverseCurvatureOptions = {}) =>
  chain(
    scaleBy(inverseCurvature(userCurvature(), { damping: 0, decay: 0, ...options })),
    learningRate(1),
  );

Deno.test("with the true curvature a diagonal quadratic is at its optimum after one step", () => {
  const positive = fc.integer({ min: 1, max: 10_000 }).map((i) => i / 100);
  const coordinate = fc.record({
    h: positive,
    theta: fc.integer({ min: -1000, max: 1000 }),
    optimum: fc.integer({ min: -1000, max: 1000 }),
  });
  fc.assert(
    fc.property(fc.array(coordinate, { minLength: 1, maxLength: 9 }), (problem) => {
      const weights = Float32Array.from(problem, ({ theta }) => theta);
      const gradient = Float32Array.from(problem, ({ h, theta, optimum }) => h * (theta - optimum));
      const curvature = Float32Array.from(problem, ({ h }) => h);
      createOptimizer(newton()).step({ w: { weights, gradient, curvature } });
      // g and h are rounded to float32: 2 · 6e-8 of a step of at most 2,000.
      const optimum = problem.map((p) => p.optimum);
      assertAllClose(weights, optimum, { relative: 1e-6, absolute: 3e-4 });
    }),
    { seed: 2 },
  );
});

Deno.test("the optimum is reached exactly where nothing is rounded", () => {
  const weights = Float32Array.of(3, -5, 0.25);
  const h = Float32Array.of(2, 0.5, 1024);
  createOptimizer(newton()).step({
    w: { weights, gradient: weights.map((w, i) => w * h[i]!), curvature: h },
  });
  assert.deepEqual(weights, Float32Array.of(0, 0, 0));
});

Deno.test("Hutchinson's samples average to the diagonal exactly over all 2ⁿ sign vectors", () => {
  const { normal } = random(2);
  const n = 5;
  const A = Array.from({ length: n }, () => Array.from({ length: n }, normal));
  const H = A.map((r, i) =>
    A.map((c, j) => r.reduce((s, x, k) => s + x * c[k]!, 0) + Number(i === j))
  );
  // A decay so close to 1 that the debiased EMA is the plain average.
  const definition = chain(
    scaleBy(inverseCurvature(hutchinson({ every: 1 }), { damping: 0, decay: 1 - 1e-12 })),
  );
  const optimizer = createOptimizer(definition);
  const weights = new Float32Array(n);
  for (let bits = 0; bits < 2 ** n; bits++) {
    const z = Array.from({ length: n }, (_, i) => (bits >> i) & 1 ? 1 : -1);
    const sample = z.map((z_i, i) => z_i * H[i]!.reduce((s, h, j) => s + h * z[j]!, 0));
    const step = { weights, gradient: Float32Array.from(H, (row, i) => bits === 31 ? row[i]! : 0) };
    optimizer.step({ w: { ...step, curvature: Float32Array.from(sample) } });
  }
  const diagonal = H.map((row, i) => row[i]!);
  // 32 float32 updates of terms a few times as large as the diagonal.
  assertAllClose(optimizer.slot("w", "inverseCurvature.h"), diagonal, { relative: 5e-6 });
  assertAllClose(weights, new Array(n).fill(-1), { relative: 5e-6 }); // H_ii / H_ii
});

Deno.test("between samples the curvature stays; the EMA runs over samples, not steps", () => {
  const definition = chain(
    scaleBy(inverseCurvature(gaussNewton({ every: 2 }), { decay: 0.9, damping: 0 })),
  );
  const optimizer = createOptimizer(definition);
  const updates = [4, undefined, 10, undefined].map((c) => {
    const weights = new Float32Array(1);
    const curvature = c === undefined ? undefined : Float32Array.of(c);
    optimizer.step({ w: { weights, gradient: Float32Array.of(1), curvature } });
    return 1 / -weights[0]!;
  });
  const second = (0.9 * 4 + 10) / 1.9;
  assertAllClose(updates, [4, 4, second, second]);
});

Deno.test("sign, gain, damping form, rms and step clip by hand", () => {
  const one = (options: InverseCurvatureOptions, g: number, c: number) => {
    const weights = new Float32Array(1);
    const given = { weights, gradient: Float32Array.of(g), curvature: Float32Array.of(c) };
    createOptimizer(newton(options)).step({ w: given });
    return -weights[0]!;
  };
  assert.equal(one({}, 3, -4), 3 / 4);
  assert.equal(one({ sign: "positive", damping: 0.5 }, 3, -4), 3 / 0.5);
  assert.equal(one({ gain: 2, damping: 1 }, 3, 4), Math.fround(3 / 9));
  assert.equal(one({ damping: 8, dampingForm: "max" }, 3, 4), 3 / 8);
  assert.equal(one({ damping: 2, dampingForm: "max" }, 3, 4), 3 / 4);
  assert.equal(one({ moment: "rms" }, 3, -4), 3 / 4);
  assert.equal(one({ stepClip: 0.5 }, -3, 4), -0.5);
  assert.equal(Math.abs(one({}, 3, 0)), 0); // neither curvature nor damping: no step
});

Deno.test("empiricalFisher() is B g² of the raw gradient", () => {
  const weights = new Float32Array(1);
  const definition = chain(
    learningRate(10), // scales x, not the raw gradient
    scaleBy(inverseCurvature(empiricalFisher(), { damping: 0 })),
  );
  createOptimizer(definition).step({ w: { weights, gradient: Float32Array.of(2) } }, {
    batchSize: 16,
  });
  assertAllClose(weights, [-10 * 2 / (16 * 4)]);
});
