import {
  advise,
  chain,
  clipByGlobalNorm,
  clipByValue,
  learningRate,
  scaleBy,
  signalFraction,
  skipNonFinite,
  type TelemetryReport,
} from "@precond/core";
import { adam } from "@precond/core";
import { buildModel } from "@precond/onnx";
import { assertAllClose, random } from "@precond/testing";
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { Trainer } from "../mod.ts";
import type { Ort } from "../hosts/ort.ts";
import type { TrainerOptions } from "../trainer/options.ts";

const adapter = await navigator.gpu?.requestAdapter();
const places = {
  cpu: async () => await import("onnxruntime-node") as unknown as Ort,
  webgpu: async () => await import("onnxruntime-web/webgpu") as unknown as Ort,
};
type Place = keyof typeof places;

/** A loss whose gradient is what is fed: `Σ w ∘ x`. */
function linear(size: number) {
  const m = buildModel();
  const w = m.parameter("w", [size], new Float32Array(size));
  const product = m.op("Mul", [m.input("x", [size]), w]);
  m.output(m.op("ReduceSum", [product], { keepdims: 0 }, "loss"));
  return { model: m.build(), output: "loss" };
}

async function linearTrainer(place: Place, size: number, options: TrainerOptions) {
  const trainer = await Trainer.create(await places[place](), linear(size), {
    ...options,
    executionProviders: [place],
  });
  const step = (x: ArrayLike<number>, batchSize = 1) =>
    trainer.step({ x: { data: Float32Array.from(x), dims: [size] } }, {
      batchSize,
      readLoss: false,
    });
  return { trainer, step };
}

const test = (name: string, run: (place: Place) => Promise<void>) => {
  for (const place of ["cpu", "webgpu"] as const) {
    Deno.test({
      name: `telemetry ${name} on ${place}`,
      ignore: place === "webgpu" && !adapter && Deno.env.get("CI") !== "true",
      // ONNX Runtime's device outlives the test.
      sanitizeOps: false,
      sanitizeResources: false,
      fn: () => run(place),
    });
  }
};

test("sees signal and noise as they are", async (place) => {
  const size = 400;
  const T = signalFraction({ decay: 0.99, floor: 0 });
  const { trainer, step } = await linearTrainer(place, size, {
    optimizer: chain(skipNonFinite(), scaleBy(T), learningRate(0.01)),
  });
  const reports: TelemetryReport[] = [];
  const stop = trainer.telemetry({ every: 100, onReport: (r) => void reports.push(r) });
  const { normal } = random(5);
  for (let i = 0; i < 300; i++) {
    await step(Float32Array.from({ length: size }, () => 1 + 2 * normal()), 32);
  }
  assert.deepEqual(reports.map((r) => r.iteration), [100, 200, 300]);
  const last = reports.at(-1)!;
  // g² = 1 and σ² = 4 an element: 400 of them, each a mean over about 100 effective steps.
  assertAllClose([last.signal, last.noise], [size, 4 * size], { relative: 0.1 });
  assertAllClose([last.fraction], [0.2], { relative: 0.1 });
  // B σ²/g² = 32 · 4
  assertAllClose([last.noiseScale], [128], { relative: 0.15 });
  const { p10, p50, p90 } = last.quantiles;
  assert.ok(p10 <= p50 && p50 <= p90 && p50 > 0.1 && p50 < 0.4, JSON.stringify(last.quantiles));
  // 1 − mean(g_s²)/σ² = 1 − 5/4
  assertAllClose([last.evidence], [-0.25], { absolute: 0.15 });
  assert.equal(advise(last).onlyNoise, false);
  assert.deepEqual(Object.keys(last.variables), ["w"]);
  assert.deepEqual(last.variables.w!.size, size);
  stop();
  for (let i = 0; i < 100; i++) await step(new Float32Array(size).fill(1));
  assert.equal(reports.length, 3);
  await trainer.release();
});

test("gives the norm of the update and counts what is skipped and clipped", async (place) => {
  const { trainer, step } = await linearTrainer(place, 4, {
    optimizer: chain(skipNonFinite(), clipByGlobalNorm(10), clipByValue(2), learningRate(0.5)),
  });
  const reports: TelemetryReport[] = [];
  trainer.telemetry({ every: 1, onReport: (r) => void reports.push(r) });
  await step([NaN, 1, 0, 0]);
  // 0.5 · (1, 2, 2, 0)
  await step([1, 2, 2, 0]);
  // Norm 50: times 1/5 it is (6, 8, 0, 0), and then two elements are bounded: 0.5 · (2, 2, 0, 0).
  await step([30, 40, 0, 0]);
  const seen = reports.map(({ updateNorm, skipped, clipped: { elements, norm } }) => ({
    ...{ updateNorm, skipped, elements, norm },
  }));
  assertAllClose(seen.map((s) => s.updateNorm), [0, 1.5, Math.SQRT2], { absolute: 1e-5 });
  assert.deepEqual(seen.map((s) => [s.skipped, s.elements, s.norm]), [
    [1, 0, false],
    [1, 0, false],
    [1, 2, true],
  ]);
  assert.deepEqual(reports[2]!.clipped.variables, { w: { elements: 2, norm: true } });
  await trainer.release();
});

test("passes errors of onReport on, and the step stands", async (place) => {
  const errors: unknown[] = [];
  for (const size of [10, 10_000]) {
    const { trainer, step } = await linearTrainer(place, size, { optimizer: adam() });
    trainer.telemetry({
      every: 1,
      onReport({ variables }) {
        // A chain without a signal fraction knows of no noise.
        assert.deepEqual(variables, {});
        throw new Error("from the callback");
      },
      onError: (error) => void errors.push(error),
    });
    await step(new Float32Array(size).fill(1));
    assert.equal(trainer.iteration, 1);
    await trainer.release();
  }
  assert.deepEqual(errors.map(String), ["Error: from the callback", "Error: from the callback"]);
});

test("follows micro-batches: the gradient is their mean", async (place) => {
  const { trainer, step } = await linearTrainer(place, 2, {
    optimizer: chain(learningRate(1)),
    accumulate: 2,
  });
  const reports: TelemetryReport[] = [];
  trainer.telemetry({ every: 1, onReport: (r) => void reports.push(r) });
  await step([2, 4]);
  assert.equal(reports.length, 0);
  await step([4, 4]);
  // w −= (3, 4)
  assertAllClose(reports.map((r) => r.updateNorm), [5], { relative: 1e-6 });
  assert.deepEqual([...await trainer.gradient("w")], [3, 4]);
  await trainer.release();
});

Deno.test("telemetry refuses cadences that are not positive integers", async () => {
  const ort = createRequire(import.meta.url)("onnxruntime-node") as Ort;
  const trainer = await Trainer.create(ort, linear(2));
  assert.throws(() => trainer.telemetry({ every: 0, onReport() {} }), {
    message: "Cannot report telemetry: every must be a positive integer, current value is 0",
  });
  await trainer.release();
});
