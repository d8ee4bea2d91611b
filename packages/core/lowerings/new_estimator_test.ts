/** Adding an estimator touches nothing else: one object, and every lowering runs it. */
import assert from "node:assert/strict";
import {
  assertAllClose,
  backendSubject,
  float32Tolerance,
  type SubjectFactory,
  testParameters,
  testSteps,
  webgpuBackend,
} from "@precond/testing";
import { chain, learningRate, type PreconditionerEstimator, scaleBy } from "../mod.ts";
import { expr } from "../pieces.ts";
import { arrayBackend, createDriver, lowerToGlsl, wasmBackend } from "../backend.ts";
import { lowerToWgsl } from "../webgpu.ts";

/** AdaBelief's factor `1/(√EMA[(x − m)²] + ε)`, m the EMA of x, both debiased. Zhuang et al. (2020). */
function inverseDeviation(
  { beta1 = 0.9, beta2 = 0.99, epsilon = 1e-3 } = {},
): PreconditionerEstimator {
  const { add, div, mul, sqrt, square, sub } = expr;
  return {
    name: "inverseDeviation",
    needs: ["gradient"],
    slots: { m: {}, s: {} },
    scalars: ({ step: t }) => ({
      w1: (1 - beta1) / (1 - beta1 ** t),
      w2: (1 - beta2) / (1 - beta2 ** t),
    }),
    estimate({ x, slot, scalar }) {
      const m = add(slot("m"), mul(scalar("w1"), sub(x, slot("m"))));
      const s = add(slot("s"), mul(scalar("w2"), sub(square(sub(x, m)), slot("s"))));
      return { factor: div(1, add(sqrt(s), epsilon)), slots: { m, s } };
    },
  };
}

/** The same by the paper, in float64: decayed sums from 0, then corrected. */
function reference(weights: ArrayLike<number>, rate: number) {
  const w = Float64Array.from(weights);
  const [m, s] = [w.map(() => 0), w.map(() => 0)];
  let t = 0;
  return {
    w,
    step(gradient: ArrayLike<number>) {
      t++;
      for (let i = 0; i < w.length; i++) {
        const g = gradient[i]!;
        m[i] = 0.9 * m[i]! + 0.1 * g;
        s[i] = 0.99 * s[i]! + 0.01 * (g - m[i]! / (1 - 0.9 ** t)) ** 2;
        w[i]! -= rate * g / (Math.sqrt(s[i]! / (1 - 0.99 ** t)) + 1e-3);
      }
    },
  };
}

const rate = 0.01;
const definition = () => chain(scaleBy(inverseDeviation()), learningRate(rate));

async function follows(factory: SubjectFactory, count = 50) {
  const parameters = testParameters();
  const expected = Object.fromEntries(
    Object.entries(parameters).map(([name, p]) => [name, reference(p.weights, rate)]),
  );
  const subject = await factory(definition(), parameters);
  for (const step of testSteps(count, {})) {
    await subject.step(step);
    for (const [name, e] of Object.entries(step.evidence)) expected[name]!.step(e.gradient);
  }
  const weights = await subject.weights();
  subject.dispose();
  for (const [name, { w }] of Object.entries(expected)) {
    // The first step has s = 0 and the factor 1/ε = 1000.
    assertAllClose(weights[name]!, w, float32Tolerance, name);
  }
}

Deno.test("a new estimator follows its reference in JavaScript", () =>
  follows(backendSubject(arrayBackend("javascript"))));
Deno.test("a new estimator follows its reference in the interpreter", () =>
  follows(backendSubject(arrayBackend("interpreter"))));
Deno.test("a new estimator follows its reference in WebAssembly", () =>
  follows(backendSubject(wasmBackend())));

const adapter = await navigator.gpu?.requestAdapter();
Deno.test({
  name: "a new estimator follows its reference on a WebGPU device",
  ignore: !adapter,
  async fn() {
    const device = await adapter!.requestDevice();
    try {
      await follows(backendSubject(webgpuBackend(device)), 20);
    } finally {
      device.destroy();
    }
  },
});

Deno.test("a new estimator is lowered to WGSL and GLSL with its slots", () => {
  const program = definition().program({ gradientSquares: false, curvature: false });
  const [[stage, ...others] = [], ...passes] = lowerToWgsl(program);
  assert.deepEqual([others.length, passes.length], [0, 0]);
  const bindings = stage!.bindings.map(({ name, access }) => `${name}:${access}`).sort();
  assert.deepEqual(bindings, [
    "gradient:read",
    "inverseDeviation.m:read_write",
    "inverseDeviation.s:read_write",
    "weights:read_write",
  ]);
  assert.match(stage!.code, /sqrt\(/);
  const functions = lowerToGlsl(program).flat();
  assert.deepEqual(
    functions.map(({ index }) => program.outputs[index]!.name),
    ["weights", "inverseDeviation.m", "inverseDeviation.s"],
  );
});

Deno.test("a new estimator's own code is what createDriver() knows of it, and no name list", () => {
  const driver = createDriver(definition(), arrayBackend());
  const w = { name: "w", shape: [1], weights: new Float32Array(1), gradient: Float32Array.of(3) };
  driver.step([w]);
  assert.deepEqual(driver.slot("w", "inverseDeviation.m"), Float32Array.of(3));
  assert.deepEqual(driver.slot("w", "inverseDeviation.s"), Float32Array.of(0)); // (x − m)² with m = x
  assertAllClose(w.weights, [-rate * 3 / 1e-3]);
});
