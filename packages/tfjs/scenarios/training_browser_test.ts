// Training in Chromium, over the built packages. WebGL and WebGPU are software ones there.
import { assertAllClose } from "@precond/testing";
import { type PageOptions, pageTest } from "@precond/testing/browser";
import assert from "node:assert/strict";
import { expectedClipped } from "./clipped.ts";
import { lostMessage } from "./lost_device.ts";
import type { OptimizerName } from "./networks.ts";
import type * as Exports from "./training_page.ts";
import { tasksOf, tolerances } from "./train.ts";

type Exported = typeof Exports;

const options: PageOptions = {
  entry: new URL("./training_page.ts", import.meta.url),
  files: {
    "/wasm/": new URL("./dist/", import.meta.resolve("@tensorflow/tfjs-backend-wasm/package.json")),
  },
};

/** What cpu makes of a task, which comes first. */
const expected: Record<string, number[]> = {};

/** On software GPUs, where an epoch takes up to a minute: few of them, each loss as cpu has it. */
const fewEpochs: Readonly<Record<string, number>> = { mlp: 2, cnn: 1, embedding: 1 };

for (const backend of ["cpu", "wasm", "webgl", "webgpu"]) {
  const title = `${backend} in Chromium: model.fit() trains, training resumes`;
  pageTest<Exported>(title, options, async (page, t) => {
    await page.call("start", backend);
    const slow = backend.startsWith("webg");
    for (const task of tasksOf(backend)) {
      const optimizers: readonly OptimizerName[] = slow && task !== "mlp"
        ? ["combined"]
        : ["adam", "combined"];
      for (const optimizer of optimizers) {
        await t.step(`${task} with ${optimizer}`, async () => {
          const epochs = slow ? [fewEpochs[task]!] : [];
          const losses = await page.call("train", task, optimizer, ...epochs);
          const same = (expected[`${task} with ${optimizer}`] ??= losses).slice(0, losses.length);
          assertAllClose(losses, same, { relative: tolerances[optimizer] }, backend);
        });
      }
    }
    if (!slow) return; // Deno tests the rest on cpu and wasm
    // In the same page: what compiled is there.
    if (backend === "webgl") {
      await t.step("load from IndexedDB and 10 steps are 10 steps", () => page.call("resumeModel"));
    }
    await t.step(
      "load of a safetensors file and 10 steps are 10 steps",
      () => page.call("resumeFile"),
    );
    await t.step("telemetry counts what is clipped", async () => {
      assert.deepEqual(await page.call("clippedReports"), expectedClipped);
    });
    // What one update leaves, or one in 200, shows: memory is counted to the byte.
    await t.step("300 updates need no more memory than 100", () => page.call("endure", 300));
  });
}

const lost = "a lost WebGPU device in Chromium: the error says how to resume, and that works";
pageTest<Exported>(lost, options, async (page) => {
  await page.call("start", "webgpu");
  const messages = await page.call("resumeAfterLoss");
  assert.match(messages.minimize, lostMessage);
  assert.match(messages.fit, lostMessage);
});

const threaded = "wasm with threads in Chromium: plain ops, and one warning";
pageTest<Exported>(threaded, { ...options, isolated: true }, async (page) => {
  await page.call("start", "wasm");
  const { threads, warnings, weights } = await page.call("updateOnce");
  assert.ok(threads, "the threaded build was not loaded");
  assert.deepEqual(warnings, [
    "precond: this build or device does not allow fused kernels on wasm; the update runs as plain tf ops",
  ]);
  // Two steps of SGD on Σ w²/2: 2 · (1 − 1/2)².
  assert.deepEqual(weights, [0.5, 0.5]);
});
