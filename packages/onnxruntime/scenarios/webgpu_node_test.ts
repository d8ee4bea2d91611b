import { assertAllClose } from "@precond/testing";
import { swiftshader } from "@precond/testing/node";
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";

const { env, missing } = swiftshader();
const script = fileURLToPath(new URL("./webgpu_in_node.ts", import.meta.url));

async function lossesOn(provider: string): Promise<number[]> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", script, provider],
    env,
    signal: AbortSignal.timeout(300_000), // only stops a hang
  }).output();
  const decoder = new TextDecoder();
  assert.ok(success, decoder.decode(stderr));
  return JSON.parse(decoder.decode(stdout).trim().split("\n").at(-1)!);
}

Deno.test({
  name: "onnxruntime-node's webgpu provider trains from memory as its CPU does",
  ignore: missing !== undefined && Deno.env.get("CI") !== "true",
  async fn() {
    assert.equal(missing, undefined);
    assertAllClose(await lossesOn("webgpu"), await lossesOn("cpu"), { relative: 1e-4 });
  },
});
