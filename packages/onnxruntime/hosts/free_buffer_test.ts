import assert from "node:assert/strict";
import { freeBuffer } from "./free_buffer.ts";

Deno.test("A buffer is freed at once", () => {
  const buffer = new ArrayBuffer(1 << 20);
  const view = new Float32Array(buffer, 4, 8);
  freeBuffer(buffer);
  assert.deepEqual([buffer.detached, view.length], [true, 0]);
});

Deno.test("A small buffer, one that is free already and memory of something else stay", () => {
  const small = new ArrayBuffer(8);
  freeBuffer(small);
  assert.equal(small.byteLength, 8);
  const free = new ArrayBuffer(1 << 20).transfer(0);
  freeBuffer(free);
  const memory = new WebAssembly.Memory({ initial: 1 });
  freeBuffer(memory.buffer);
  assert.equal(memory.buffer.byteLength, 65536);
});
