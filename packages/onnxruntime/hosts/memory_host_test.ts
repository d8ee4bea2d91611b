import { checkBackendProducts, checkReads, productCases } from "@precond/testing";
import assert from "node:assert/strict";
import { nodeOrt } from "../scenarios/builds.ts";
import type { Ort, Tensor } from "./ort.ts";
import { memoryHost } from "./memory_host.ts";
import { Trainer } from "../trainer/trainer.ts";
import { batch, bigModel, watched } from "../scenarios/watched.ts";

const create = (ort: Ort, options = {}) =>
  Trainer.create(ort, { model: bigModel(), loss: { type: "mse" } }, { outputs: ["y"], ...options });

Deno.test({
  name: "Results that a step has taken are freed, those that it returns are not",
  // ONNX Runtime's WebAssembly keeps ports open.
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    const web = await import("onnxruntime-web") as unknown as Ort;
    for (const [plain, provider] of [[nodeOrt, "cpu"], [web, "wasm"]] as const) {
      const { ort, results } = watched(plain);
      const trainer = await create(ort, { executionProviders: [provider] });
      results.length = 0;
      const { y } = await trainer.step(batch(ort));
      const [result] = results;
      const gradient = result!["w_grad"]!.data as Float32Array;
      assert.equal(gradient.length, 0, provider);
      assert.equal((y as Tensor).data.length, 256);
      // 0.01 · 128 for every output; d mse / dw = Σ 2 (y − 2) x / 256 over a column's two examples.
      const expected = 2 * (1.28 - 2) / 256 * 2;
      const held = await trainer.gradient("w");
      assert.ok(held.every((g) => Math.abs(g - expected) < 1e-7), `${held[0]} ≠ ${expected}`);
      await trainer.release();
    }
  },
});

Deno.test("products on the memory that ONNX Runtime reads are within float32's bound", async () => {
  const { backend } = await memoryHost(nodeOrt, {});
  await checkBackendProducts(backend, {}, productCases([1, 5, 17]));
  await checkReads(backend);
});

Deno.test("A step on onnxruntime-node's CPU makes no arrays for gradients and loss", async () => {
  const { ort, results } = watched(nodeOrt);
  const source = { model: bigModel(), loss: { type: "mse" } } as const;
  const trainer = await Trainer.create(ort, source);
  results.length = 0;
  // (1.28 − 2)² for every output.
  const { loss } = await trainer.step(batch(ort));
  assert.ok(Math.abs(loss - 0.5184) < 1e-5, `${loss}`);
  await trainer.step(batch(ort));
  assert.deepEqual(results, []);
  await trainer.release();
});

Deno.test("Threads rest between runs, unless the caller says otherwise", async () => {
  const extraOf = async (sessionOptions = {}) => {
    const { ort, options } = watched(nodeOrt);
    const trainer = await create(ort, { sessionOptions });
    await trainer.step(batch(ort));
    await trainer.release();
    return options.map(({ extra }) => extra);
  };
  const rest = { session: { force_spinning_stop: "1" } };
  for (const extra of await extraOf()) assert.deepEqual(extra, rest);
  const dotted = { "session.force_spinning_stop": "0" };
  for (const extra of await extraOf({ extra: dotted })) assert.deepEqual(extra, dotted);
  const own = { session: { force_spinning_stop: "0", set_denormal_as_zero: "1" } };
  for (const extra of await extraOf({ extra: own })) assert.deepEqual(extra, own);
});

Deno.test("A training session holds no block for all values of a run, unless the caller wants it", async () => {
  const patternOf = async (sessionOptions = {}) => {
    const { ort, options } = watched(nodeOrt);
    const trainer = await create(ort, { sessionOptions });
    await trainer.step(batch(ort));
    const training = options.at(-1)!;
    await trainer.evaluate(batch(ort));
    await trainer.release();
    return [training, options.at(-1)!].map(({ enableMemPattern }) => enableMemPattern);
  };
  assert.deepEqual(await patternOf(), [false, undefined]);
  assert.deepEqual(await patternOf({ enableMemPattern: true }), [true, true]);
});
