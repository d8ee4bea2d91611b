import assert from "node:assert/strict";
import fc from "fast-check";
import { signalNewton, userCurvature } from "../mod.ts";
import { createDriver, wasmBackend, wasmHeap } from "../backend.ts";

Deno.test("blocks are aligned, do not overlap, and are used again", () => {
  const size = fc.oneof(
    fc.integer({ min: 0, max: 300 }),
    fc.integer({ min: 60_000, max: 200_000 }),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(size, fc.boolean()), { maxLength: 40 }), (requests) => {
      const heap = wasmHeap();
      const live: { address: number; bytes: number }[] = [];
      for (const [bytes, free] of requests) {
        const address = heap.allocate(bytes);
        assert.ok(address > 0 && address % 16 === 0);
        assert.ok(address + bytes <= heap.memory.buffer.byteLength);
        for (const other of live) {
          const apart = address >= other.address + other.bytes || other.address >= address + bytes;
          assert.ok(apart, `${address}+${bytes} overlaps ${other.address}+${other.bytes}`);
        }
        live.push({ address, bytes: Math.max(bytes, 1) });
        if (free) heap.free(live.shift()!.address);
      }
      for (const { address } of live) heap.free(address);
      assert.equal(heap.used, 0);
    }),
    { numRuns: 50 },
  );
});

Deno.test("a freed block is the next of its size; freeing twice or the unknown is harmless", () => {
  const heap = wasmHeap();
  const [a, b] = [heap.allocate(100), heap.allocate(100)];
  heap.free(a);
  const used = heap.used;
  heap.free(a);
  heap.free(12345);
  assert.equal(heap.used, used);
  assert.equal(heap.allocate(100), a);
  const c = heap.allocate(100);
  assert.ok(c !== a && c !== b);
});

Deno.test("a memory that cannot grow is a RangeError, and the heap goes on", () => {
  const heap = wasmHeap(new WebAssembly.Memory({ initial: 1, maximum: 2 }));
  assert.throws(() => heap.allocate(1e6), {
    name: "RangeError",
    message: /^Cannot allocate 1\d+ bytes/,
  });
  assert.equal(heap.used, 0);
  heap.floats(heap.allocate(4), 1)[0] = 1;
});

Deno.test("training reuses blocks: the heap does not grow, and dispose() empties it", () => {
  const backend = wasmBackend();
  const { heap } = backend;
  const definition = signalNewton({ curvature: userCurvature(), pool: "row", scale: "unit-norm" });
  const driver = createDriver(definition, backend);
  const shape = [30, 50];
  const values = new Float32Array(1500).fill(0.5);
  const weights = backend.write(values, shape);
  const step = () => {
    const [gradient, curvature] = [backend.write(values, shape), backend.write(values, shape)];
    driver.step([{ name: "w", shape, weights, gradient, curvature }]);
    backend.dispose(gradient);
    backend.dispose(curvature);
  };
  step();
  const [used, size] = [heap.used, heap.memory.buffer.byteLength];
  for (let i = 0; i < 200; i++) step();
  assert.equal(heap.used, used);
  assert.equal(heap.memory.buffer.byteLength, size);
  driver.dispose();
  backend.dispose(weights);
  assert.equal(heap.used, 0);
});

Deno.test("a step that throws keeps no memory", () => {
  const backend = wasmBackend();
  const driver = createDriver(signalNewton(), backend);
  const weights = backend.write(new Float32Array(9), [3, 3]);
  const used = backend.heap.used;
  assert.throws(() => driver.step([{ name: "w", shape: [3, 3], weights, gradient: weights }]));
  assert.equal(backend.heap.used, used);
});
