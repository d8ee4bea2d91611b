import assert from "node:assert/strict";
import { adam, chain, createOptimizer, learningRate, momentum } from "../mod.ts";
import { loadState } from "../backend.ts";
import { arrayBackend, type Backend, createDriver } from "../backend.ts";

const f32 = (...values: number[]) => Float32Array.from(values);

Deno.test("a load whose k-th write throws leaves nothing behind", async () => {
  const step = () => ({ weights: f32(1, 2), gradient: f32(1, 1) });
  const saved = createOptimizer(adam());
  saved.step({ a: step(), b: step() });
  const bytes = await saved.save();
  for (let k = 0; k < 4; k++) { // two slots for each of two parameters
    const live = new Set<Float32Array>();
    let writes = 0;
    const plain = arrayBackend();
    const backend: Backend<Float32Array> = {
      ...plain,
      write(values, shape) {
        if (writes++ === k) throw new Error("out of memory");
        const array = plain.write(values, shape);
        live.add(array);
        return array;
      },
      dispose: (array) => void live.delete(array),
    };
    const driver = createDriver(adam(), backend);
    assert.throws(() => loadState(bytes, driver, backend), { message: "out of memory" });
    assert.equal(live.size, 0);
    assert.equal(driver.iteration, 0);
  }
});

Deno.test("replacing a state by itself keeps it", () => {
  const driver = createDriver(chain(momentum(), learningRate(1)), arrayBackend());
  driver.learningRate = 0.5;
  driver.step([{ name: "w", shape: [1], weights: f32(0), gradient: f32(3) }]);
  driver.replaceState(driver.state());
  assert.deepEqual([...driver.slot("w", "momentum.m")], [3]);
  assert.deepEqual([driver.iteration, driver.learningRate], [1, 0.5]);
});

Deno.test("without WebAssembly, or where it may not compile, the error says what to use", () => {
  const { WebAssembly: real } = globalThis;
  const step = () =>
    createOptimizer(adam(), { lowering: "wasm" }).step({
      w: { weights: f32(1), gradient: f32(1) },
    });
  class Forbidden {
    constructor() {
      throw new real.CompileError("disallowed by embedder");
    }
  }
  const engines: [unknown, RegExp][] = [
    [undefined, /this engine has no SIMD; use the JavaScript lowering/],
    [{}, /this engine has no SIMD; use the JavaScript lowering/],
    [
      { validate: () => true, Memory: real.Memory, Module: Forbidden },
      /without 'wasm-unsafe-eval'; use the JavaScript lowering/,
    ],
  ];
  for (const [engine, message] of engines) {
    try {
      Object.assign(globalThis, { WebAssembly: engine });
      assert.throws(step, { name: "TypeError", message });
    } finally {
      Object.assign(globalThis, { WebAssembly: real });
    }
  }
});
