import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-wasm";
import "@tensorflow/tfjs-layers"; // registers the gradients
import { shortTurns } from "../overhead/interleaved.ts";
import { currentOrt, timedOrt } from "./builds.ts";
import { ours, tfjsContenders, trainingSession } from "./contenders.ts";
import { measureTraining } from "./measure.ts";
import { trainingPlaces } from "./measurers.ts";
import { names, type TrainingCase } from "./rows.ts";

const small: TrainingCase = {
  model: "mlp",
  provider: "cpu",
  hidden: [4],
  batchSize: 8,
  threads: 1,
  samples: 5,
};

// WebAssembly builds of ONNX Runtime keep timers and ports open.
const options = { sanitizeOps: false, sanitizeResources: false };

for (const provider of ["cpu", "wasm"] as const) {
  Deno.test({
    name: `measureTraining() has a row for each method and baseline on ${provider}`,
    ...options,
    async fn() {
      const rows = await measureTraining({ ...small, provider }, shortTurns);
      assert.deepEqual(rows.map(({ method, baseline }) => [method, baseline]), [
        [names.adamW, names.session],
        [names.adamW, names.tfjs],
        [names.adamW, names.precondTfjs],
        [names.combined, names.adamW],
        [names.combined, names.session],
      ]);
      for (const row of rows) {
        assert.deepEqual([row.model, row.provider, row.runtime, row.gpu], [
          "mlp",
          provider,
          "deno",
          null,
        ]);
        assert.match(row.onnxruntime, /^\d+\.\d+/);
        assert.equal(row.ratio, row.baseline_ms / row.step_ms);
        assert.ok(row.run_ms > 0 && row.run_ms < row.step_ms, `${row.run_ms} of ${row.step_ms}`);
        assert.equal(row.refresh_ms !== null, row.method === names.combined);
      }
    },
  });
}

Deno.test({
  name: "convolutions are compared with the TrainingSession alone",
  ...options,
  async fn() {
    const rows = await measureTraining({ ...small, model: "cnn", batchSize: 2 }, shortTurns);
    assert.deepEqual([...new Set(rows.map(({ baseline }) => baseline))], [
      names.session,
      names.adamW,
    ]);
  },
});

Deno.test({
  name: "ours and the TrainingSession take the same steps; tfjs has a network of that size",
  ...options,
  async fn() {
    const { ort } = await currentOrt("cpu", 1);
    const mine = await ours(small, ort);
    const [adamW] = mine;
    const session = await trainingSession(small);
    const others = await tfjsContenders(small);
    try {
      for (let step = 0; step < 20; step++) {
        const [a, b] = [await adamW!.train(), await session.train()];
        // Two builds' sums in float32; losses are about 2.
        assert.ok(Math.abs(a - b) < 1e-4, `loss of step ${step}: ${a} and ${b}`);
      }
      for (const { name, train } of others) {
        const first = await train();
        for (let step = 0; step < 15; step++) await train();
        // The same batch again: the ninth and seventeenth are the first.
        const later = await train();
        assert.ok(later < first, `${name}: ${first}, then ${later}`);
      }
    } finally {
      for (const c of [...mine, session, ...others]) await c.dispose();
    }
  },
});

Deno.test("timedOrt() counts what its sessions' runs take, and nothing else", async () => {
  const session = {
    inputNames: ["x"],
    run: () => new Promise((resolve) => setTimeout(() => resolve({ y: 1 }), 20)),
    release: () => Promise.resolve(),
  };
  const plain = { InferenceSession: { create: () => Promise.resolve(session) }, env: {} };
  const { ort, milliseconds } = timedOrt(plain as never);
  const timed = await ort.InferenceSession.create(new Uint8Array());
  assert.deepEqual(timed.inputNames, ["x"]);
  assert.equal(milliseconds(), 0);
  assert.deepEqual(await timed.run({}), { y: 1 });
  const once = milliseconds();
  assert.ok(once >= 19 && once < 1000, `${once} ms`);
  await timed.run({});
  assert.ok(milliseconds() >= once + 19);
});

Deno.test("trainingPlaces() has webgpu in Deno only, and wasm with each number of threads", () => {
  assert.deepEqual(trainingPlaces(["cpu", "webgpu"], ["deno", "node"], [1, 2]), [
    { provider: "cpu", runtime: "deno", threads: 1 },
    { provider: "webgpu", runtime: "deno", threads: 1 },
    { provider: "cpu", runtime: "node", threads: 1 },
  ]);
  assert.deepEqual(trainingPlaces(["wasm"], ["node"], [1, 2]), [
    { provider: "wasm", runtime: "node", threads: 1 },
    { provider: "wasm", runtime: "node", threads: 2 },
  ]);
});
