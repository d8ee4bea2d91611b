import { init, numpy as np, tree } from "@jax-js/jax";
import {
  basisCases,
  checkConformance,
  checkNonFinite,
  checkReads,
  conformanceCases,
  nonFiniteCases,
} from "@precond/testing";
import assert from "node:assert/strict";
import { treeSubject } from "../_testing.ts";
import { backendOf } from "../backends/arrays.ts";
import { adam, applyUpdates, precond } from "../mod.ts";

const adapter = await navigator.gpu?.requestAdapter();
// Needs a Vulkan, Metal or Direct3D driver; CI installs a software one.
const ignore = !adapter;
if (adapter) await init("wasm", "webgpu");
// The device lives as long as the process.
const open = { ignore, sanitizeResources: false, sanitizeOps: false };

Deno.test({
  name: "updates on webgpu follow the reference",
  ...open,
  async fn(t) {
    const inBasis = basisCases({ reads: "async", outputAxis: "first" });
    for (const test of [...conformanceCases, ...inBasis]) {
      const fn = () => checkConformance(test, treeSubject("webgpu"), { steps: 20 });
      await t.step({ name: test.name, fn, sanitizeResources: false, sanitizeOps: false });
    }
  },
});

Deno.test({
  name: "updates on webgpu do with NaN what the reference does",
  ...open,
  async fn() {
    // Devices may flush what is subnormal and saturate what overflows.
    for (const test of nonFiniteCases.slice(0, 2)) {
      await checkNonFinite(test, treeSubject("webgpu"), [[NaN, NaN]]);
    }
  },
});

Deno.test({
  name: "reads on webgpu give the values at their call",
  ...open,
  fn: () => checkReads(backendOf("webgpu")),
});

Deno.test({
  name: "a saved state on webgpu continues on wasm",
  ...open,
  async fn() {
    const solver = precond(adam({ learningRate: 0.5 }));
    const start = (device: "wasm" | "webgpu") =>
      np.array(Float32Array.of(1, 2, 3), { shape: [3], device });
    const gradient = start;
    const step = (params: np.Array, state: ReturnType<typeof solver.init>) => {
      const [updates, next] = solver.update(gradient(params.device as "wasm"), state);
      return [applyUpdates(params, updates), next] as const;
    };
    const [onGpu, state] = step(start("webgpu"), solver.init(start("webgpu")));
    const bytes = await state.save();
    state.dispose();
    const weights = await onGpu.data() as Float32Array<ArrayBuffer>;
    const moved = np.array(weights, { shape: [3], device: "wasm" });
    const resumed = step(moved, solver.load(bytes, moved.ref));
    const straight = step(...step(start("wasm"), solver.init(start("wasm"))));
    const [found, expected] = [resumed, straight].map(([w]) => w.ref.dataSync() as Float32Array);
    found!.forEach((w, i) => assert.ok(Math.abs(w - expected![i]!) < 1e-6));
    assert.equal(resumed[1].iteration, 2);
    for (const [params, next] of [resumed, straight]) {
      tree.dispose(params);
      next.dispose();
    }
  },
});
