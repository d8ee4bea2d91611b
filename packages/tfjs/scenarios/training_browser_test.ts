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

const expected: Partial<Record<OptimizerName, number[]>> = {};

for (const backend of ["cpu", "wasm", "webgl", "webgpu"]) {
  pageTest<Exported>(`${backend} in Chromium: model.fit() trains`, options, async (page, t) => {
    await page.call("start", backend);
    for (const task of tasksOf(backend)) {
      // Minutes on software GPUs: only the MLP with both.
      const slow = task !== "mlp" && backend.startsWith("webg");
      for (const optimizer of slow ? ["combined"] as const : ["adam", "combined"] as const) {
        await t.step(`${task} with ${optimizer}`, async () => {
          const losses = await page.call("train", task, optimizer);
          if (task !== "mlp") return;
          const relative = tolerances[optimizer];
          assertAllClose(losses, expected[optimizer] ??= losses, { relative }, backend);
        });
      }
    }
  });
}

const resume = "training resumes in Chromium: load and 10 steps are 10 steps";
pageTest<Exported>(resume, options, async (page, t) => {
  for (const backend of ["webgl", "webgpu"]) {
    await page.call("start", backend);
    if (backend === "webgl") {
      await t.step("from IndexedDB on webgl", () => page.call("resumeModel"));
    }
    await t.step(`from a safetensors file on ${backend}`, () => page.call("resumeFile"));
  }
});

const lost = "a lost WebGPU device in Chromium: the error says how to resume, and that works";
pageTest<Exported>(lost, options, async (page) => {
  await page.call("start", "webgpu");
  const messages = await page.call("resumeAfterLoss");
  assert.match(messages.minimize, lostMessage);
  assert.match(messages.fit, lostMessage);
});

const clipping = "telemetry in Chromium counts what is clipped";
pageTest<Exported>(clipping, options, async (page, t) => {
  for (const backend of ["webgl", "webgpu"]) {
    await page.call("start", backend);
    await t.step(`on ${backend}`, async () => {
      assert.deepEqual(await page.call("clippedReports"), expectedClipped);
    });
  }
});

const endurance = "10,000 updates in Chromium need no more memory than 100";
// Software GPUs take up to a minute each, more where the machine is busy.
pageTest<Exported>(endurance, { ...options, timeout: 240_000 }, async (page, t) => {
  for (const backend of ["webgl", "webgpu"]) {
    await page.call("start", backend);
    await t.step(`on ${backend}`, () => page.call("endure", 10_000));
  }
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
