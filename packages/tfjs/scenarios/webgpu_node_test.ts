// WebGPU in Node.js, over the built packages: the npm package `webgpu` on Chromium's SwiftShader.
import { assertAllClose, conformanceCases, representatives } from "@precond/testing";
import { runInNode, snippet, swiftshader } from "@precond/testing/node";
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { tolerances } from "./train.ts";
import type { NodeReport } from "./webgpu_in_node.ts";

const { env, missing } = swiftshader();
// CI installs Chromium: there its driver must not be missing.
const ignore = missing !== undefined && Deno.env.get("CI") !== "true";

/** The set-up that the README shows, and what a user may do then. */
const documented = `
${snippet("packages/tfjs/README.md", 'import { create, globals } from "webgpu"')}
const { precond, sgd } = await import("@precond/tfjs");
const w = tf.variable(tf.scalar(3));
precond(sgd({ learningRate: 0.5 })).minimize(() => tf.square(w));
console.log(tf.getBackend(), (await w.data())[0]);
process.exit(); // the device keeps Node.js open
`;

/** Runs a program in this package's folder, where the built packages are found as a user's are. */
async function evaluate(code: string): Promise<string> {
  const { stdout, stderr } = await new Deno.Command("node", {
    args: ["--input-type=module", "--eval", code],
    cwd: fileURLToPath(new URL("..", import.meta.url)),
    env: { ...env },
    signal: AbortSignal.timeout(300_000), // only stops a hang
  }).output();
  const [out, errors] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return (out! || errors!).trim();
}

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
    await t.step("the set-up of the README trains", async () => {
      assert.equal(await evaluate(documented), "webgpu 0");
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
