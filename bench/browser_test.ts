// The benchmark's pages in Chromium.
import { pageTest } from "@precond/testing/browser";
import assert from "node:assert/strict";
import type * as Pages from "./_page.ts";
import { checkGpuRows, checkSameLosses, checkStepRows } from "./_testing.ts";
import { methods } from "./methods.ts";
import type * as OverheadPages from "./overhead/_page.ts";
import { digitsFolder } from "./problems/digits.ts";
import { softmaxProblem } from "./problems/digit_problems.ts";
import { textOf } from "./problems/text.ts";
import type * as StepPages from "./step/_page.ts";

const overhead = { entry: new URL("./overhead/_page.ts", import.meta.url) };

for (const backend of ["webgl", "webgpu"]) {
  const name = `measureGpu() in Chromium has every row of ${backend}`;
  pageTest<typeof OverheadPages>(name, overhead, async (page) => {
    await page.call("start", backend);
    const small = { parameters: 1000, variables: 2, samples: 5, waits: "step" } as const;
    const rows = await page.call("measureGpu", { backend, runtime: "chromium", ...small });
    checkGpuRows(rows, backend, "chromium");
  });
}

const step = {
  entry: new URL("./step/_page.ts", import.meta.url),
  files: { "/digits/": digitsFolder() },
};

for (const backend of ["webgl", "webgpu"]) {
  const name = `measureStep() in Chromium has every row of ${backend}`;
  pageTest<typeof StepPages>(name, step, async (page) => {
    await page.call("start", backend);
    const small = { sizes: [784, 4, 10], batchSize: 8, samples: 5, waits: "step" } as const;
    const rows = await page.call("measureStep", { backend, runtime: "chromium", ...small });
    checkStepRows(rows, backend, "chromium");
  });
}

pageTest<typeof Pages>("a network learns in the page what it learns in Deno", {
  entry: new URL("./_page.ts", import.meta.url),
  files: { "/digits/": digitsFolder() },
}, async (page) => {
  assert.match(await page.call("start", "webgl", textOf("", "")), /\w/);
  const task = { learningRate: 0.01, seed: 1, tuning: false };
  const name = "precond-adam";
  const actual = await page.call("run", {
    ...task,
    ...{ backend: "webgl", problem: "softmax", batchSize: 16, full: false, method: name },
  });
  const expected = await softmaxProblem(false).run({
    ...task,
    backend: "wasm",
    method: methods.find((method) => method.name === name)!,
    breathe: () => Promise.resolve(),
  });
  checkSameLosses(actual, expected);
});
