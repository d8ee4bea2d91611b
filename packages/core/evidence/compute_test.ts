import assert from "node:assert/strict";
import { arrayBackend } from "../driver/array_backend.ts";
import type { Backend } from "../driver/backend.ts";
import { mul, read, scalar, sum } from "../kernel/expr.ts";
import { compileProgram } from "../kernel/program.ts";
import { computer } from "./compute.ts";

const program = () =>
  compileProgram({
    outputs: [
      { name: "scaled", shape: "element", value: mul(read("x"), scalar("factor")) },
      { name: "total", shape: "tensor", value: sum(read("x"), "tensor") },
    ],
  });

/** A backend that remembers what it made and disposed, and whose kernels may fail. */
function watched(fails: boolean) {
  const live = new Set<Float32Array>();
  const inner = arrayBackend();
  const backend: Backend<Float32Array> = {
    ...inner,
    compile(program) {
      const kernel = inner.compile(program);
      return {
        run(calls) {
          if (fails) throw new Error("the device is gone");
          return kernel.run(calls);
        },
      };
    },
    allocate(shape, fill) {
      const array = inner.allocate(shape, fill);
      live.add(array);
      return array;
    },
    dispose: (array) => void live.delete(array),
  };
  return { backend, live };
}

Deno.test("computer() makes what the caller did not bring, and writes into what it did", () => {
  const { backend, live } = watched(false);
  const x = Float32Array.of(1, 2, 4), scaled = new Float32Array(3);
  const results = computer(backend, program).run([
    { shape: [3], arrays: { x, scaled }, scalars: { factor: 3 } },
    { shape: [2], arrays: { x: Float32Array.of(5, 6) }, scalars: { factor: 1 } },
  ]);
  assert.equal(results[0]![0], scaled);
  assert.deepEqual(results.map((r) => r.map((a) => [...a])), [[[3, 6, 12], [7]], [[5, 6], [11]]]);
  assert.equal(live.size, 3);
});

Deno.test("computer() leaves nothing if the kernel fails", () => {
  const { backend, live } = watched(true);
  const run = () =>
    computer(backend, program).run([
      { shape: [2], arrays: { x: Float32Array.of(5, 6) }, scalars: { factor: 1 } },
    ]);
  assert.throws(run, { message: "the device is gone" });
  assert.equal(live.size, 0);
});
