// The benchmark on webgpu in Deno.
import * as tf from "@tensorflow/tfjs-core";
import assert from "node:assert/strict";
import { checkGpuRows, checkSameLosses, checkStepRows } from "./_testing.ts";
import { methods } from "./methods.ts";
import { measureGpu } from "./overhead/measure_gpu.ts";
import { addOnnxBackends } from "./problems/onnx_learner.ts";
import { sparseLogisticProblem } from "./problems/sparse_logistic.ts";
import { startDenoWebgpu } from "./runtime.ts";
import { measureStep } from "./step/measure.ts";

// CI has a software adapter: there it must not be missing.
const ignore = Deno.env.get("CI") !== "true" && !(await navigator.gpu?.requestAdapter());

function webgpuTest(name: string, fn: () => Promise<void>): void {
  Deno.test({
    name: ignore ? `${name} (there is no adapter; mesa-vulkan-drivers has one)` : name,
    ignore,
    // The device stays.
    sanitizeResources: false,
    sanitizeOps: false,
    fn,
  });
}

webgpuTest("measureGpu() on webgpu has every row and leaves no tensor of ours behind", async () => {
  await startDenoWebgpu();
  const before = tf.memory().numTensors;
  const small = { parameters: 1000, variables: 2, samples: 5, waits: "step" } as const;
  const rows = await measureGpu({ backend: "webgpu", runtime: "deno", ...small });
  // tf.train.momentum keeps the scalar of its learning rate when it is disposed.
  assert.equal(tf.memory().numTensors, before + 1);
  checkGpuRows(rows, "webgpu", "deno");
});

webgpuTest("measureStep() on webgpu has every row", async () => {
  await startDenoWebgpu();
  const small = { sizes: [784, 4, 10], batchSize: 8, samples: 5, waits: "step" } as const;
  const rows = await measureStep({ backend: "webgpu", runtime: "deno", ...small });
  checkStepRows(rows, "webgpu", "deno");
});

webgpuTest("a network learns on webgpu what it learns on wasm, in both libraries", async () => {
  await startDenoWebgpu();
  addOnnxBackends();
  const run = (backend: string) =>
    sparseLogisticProblem(false).run({
      method: methods.find(({ name }) => name === "precond-adam")!,
      learningRate: 1e-3,
      seed: 1,
      backend,
      tuning: false,
      breathe: () => Promise.resolve(),
    });
  const expected = await run("wasm");
  checkSameLosses(await run("webgpu"), expected);
  checkSameLosses(await run("onnxruntime-webgpu"), expected);
});
