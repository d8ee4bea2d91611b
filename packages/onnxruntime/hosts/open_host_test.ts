import { adamW } from "@precond/core";
import assert from "node:assert/strict";
import { lossesOf } from "../scenarios/losses.ts";
import { mlp } from "../scenarios/networks.ts";
import type { Ort } from "./ort.ts";

Deno.test({
  name: "A provider that is not there is left out, unless it is the only one",
  // ONNX Runtime's WebAssembly keeps ports open.
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    // In Deno and Node.js the package gives its build without WebGPU.
    const ort = await import("onnxruntime-web") as unknown as Ort;
    (ort.env as { logLevel: string }).logLevel = "error";
    const losses = (of: Ort, ...executionProviders: string[]) =>
      lossesOf(of, mlp(), { executionProviders, optimizer: adamW({ learningRate: 0.01 }) }, 4);
    assert.deepEqual(await losses(ort, "webgpu", "wasm"), await losses(ort, "wasm"));
    await assert.rejects(losses(ort, "webgpu"), /no available backend found.*\[webgpu\]/);
  },
});
