// WebGPU in Node.js, over the built packages: the npm package `webgpu` on Chromium's SwiftShader.
import { assertAllClose, conformanceCases, representatives } from "@precond/testing";
import { runInNode, swiftshader } from "@precond/testing/node";
import assert from "node:assert/strict";
import { tolerances } from "./train.ts";
import type { NodeReport } from "./webgpu_in_node.ts";

const { env, missing } = swiftshader();
// CI installs Chromium: there its driver must not be missing.
const ignore = missing !== undefined && Deno.env.get("CI") !== "true";

Deno.test({
  name: `webgpu in Node.js: the built packages${ignore ? ` (${missing})` : ""}`,
  ignore,
  async fn(t) {
    assert.equal(missing, undefined);
    // A conformance case that fails throws in there, with its name.
    const stdout = await runInNode(new URL("./webgpu_in_node.ts", import.meta.url), env);
    const report: NodeReport = JSON.parse(stdout.trim().split("\n").at(-1)!);
    await t.step(`it was Node.js, on ${report.gpu}`, () => {
      assert.match(report.node, /^v\d+\./);
      if (env.VK_ICD_FILENAMES) assert.match(report.gpu, /SwiftShader/);
    });
    await t.step("updates follow the reference in fused kernels", () => {
      const expected = representatives(conformanceCases).map(({ name }) => [name, true]);
      assert.deepEqual(report.fused, Object.fromEntries(expected));
    });
    for (const optimizer of ["adam", "combined"] as const) {
      await t.step(`model.fit() with ${optimizer} has the losses of cpu`, () => {
        const { cpu, webgpu } = report.losses[optimizer];
        assert.equal(webgpu.length, 20);
        assertAllClose(webgpu, cpu, { relative: tolerances[optimizer] }, optimizer);
      });
    }
  },
});
