import { buildModel, writeModel } from "@precond/onnx";
import assert from "node:assert/strict";
import { nodeOrt } from "../scenarios/builds.ts";
import type { Ort } from "./ort.ts";
import { threadsOf } from "./threads.ts";

Deno.test("threadsOf() is what computes one operator", () => {
  const web = (numThreads: number) => ({ env: { wasm: { numThreads } } }) as unknown as Ort;
  assert.equal(threadsOf(web(1), { intraOpNumThreads: 8 }, 8), 1);
  assert.equal(threadsOf(web(4), {}, 8), 4);
  assert.equal(threadsOf(nodeOrt, { intraOpNumThreads: 3 }, 8), 3);
  assert.equal(threadsOf(nodeOrt, { intraOpNumThreads: 0 }, 8), 8);
  assert.equal(threadsOf(nodeOrt), navigator.hardwareConcurrency);
});

Deno.test({
  name: "WebAssembly says how many threads it has once a session is open",
  // ONNX Runtime's WebAssembly keeps ports open.
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    const web = await import("onnxruntime-web") as unknown as Ort;
    const m = buildModel();
    m.output(m.op("Relu", [m.input("x", [1])]));
    const session = await web.InferenceSession.create(writeModel(m.build()));
    await session.release();
    const { numThreads } = (web.env as { wasm: { numThreads?: number } }).wasm;
    assert.ok(Number.isInteger(numThreads) && numThreads! >= 1, `${numThreads}`);
    assert.equal(threadsOf(web, {}, 64), numThreads);
  },
});
