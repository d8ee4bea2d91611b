import { assertAllClose } from "@precond/testing";
import assert from "node:assert/strict";
import { arrayBackend } from "../driver/array_backend.ts";
import type { Backend } from "../driver/backend.ts";
import { type WasmArray, wasmBackend } from "../driver/wasm_backend.ts";
import { accumulator } from "./accumulate.ts";

const runs = [[1, -2], [4, 0], [-2, 8]];
const mean = [1, 2], meanSquare = [(1 + 16 + 4) / 3, (4 + 0 + 64) / 3];

/** Counts the arrays that are alive. */
function counted<A>(backend: Backend<A>): Backend<A> & { live(): number } {
  const live = new Set<A>();
  const entered = (array: A) => (live.add(array), array);
  return {
    ...backend,
    live: () => live.size,
    allocate: (shape, fill) => entered(backend.allocate(shape, fill)),
    write: (values, shape) => entered(backend.write(values, shape)),
    dispose: (array) => void (live.delete(array), backend.dispose(array)),
  };
}

async function gather<A>(given: Backend<A>, form: "mean" | "sum", inPlace: boolean) {
  const backend = counted(given);
  const { add, dispose } = accumulator(backend, { squares: true, inPlace });
  // What the last update left does not matter, not even NaN.
  const left = () => backend.write(new Float32Array([NaN, NaN]), [2]);
  let total: { gathered?: A; squares?: A } = inPlace ? { gathered: left(), squares: left() } : {};
  runs.forEach((values, i) => {
    const gradient = backend.write(Float32Array.from(values), [2]);
    const [means] = add([{ shape: [2], gradient, ...total }], i + 1, form);
    for (const key of ["gathered", "squares"] as const) {
      if (total[key] !== undefined && total[key] !== means![key]) backend.dispose(total[key]!);
    }
    total = means as { gathered: A; squares: A };
    backend.dispose(gradient);
  });
  const found = await Promise.all([backend.read(total.gathered!), backend.read(total.squares!)]);
  assert.equal(backend.live(), 2);
  dispose();
  return found;
}

for (const backend of [arrayBackend(), arrayBackend("interpreter"), wasmBackend()]) {
  for (const inPlace of [true, false]) {
    const how = `on ${backend.name}${inPlace ? ", in place" : ""}`;
    Deno.test(`accumulator() gathers the mean and the mean square ${how}`, async () => {
      const [m, q] = await gather(backend as Backend<WasmArray>, "mean", inPlace);
      assertAllClose([...m!], mean, { relative: 1e-6, absolute: 1e-6 });
      assertAllClose([...q!], meanSquare, { relative: 1e-6 });
    });

    Deno.test(`accumulator() gathers the sum, and k² times the mean square ${how}`, async () => {
      const [m, q] = await gather(backend as Backend<WasmArray>, "sum", inPlace);
      assertAllClose([...m!], mean.map((x) => 3 * x), { relative: 1e-6, absolute: 1e-6 });
      assertAllClose([...q!], meanSquare.map((x) => 9 * x), { relative: 1e-6 });
    });
  }
}

Deno.test("accumulator() takes a parameter that appears later for one without a gradient before", () => {
  const { add } = accumulator(arrayBackend(), { squares: true, inPlace: false });
  const [late] = add([{ shape: [], gradient: Float32Array.of(6) }], 3, "mean");
  // (0 + 0 + 6)/3 and (0 + 0 + 36)/3
  assertAllClose([late!.gathered[0]!, late!.squares![0]!], [2, 12], { relative: 1e-6 });
});

Deno.test("accumulator() without squares makes none", () => {
  const { add } = accumulator(arrayBackend(), { squares: false, inPlace: false });
  const [only] = add([{ shape: [1], gradient: Float32Array.of(5) }], 1, "mean");
  assert.deepEqual([...only!.gathered], [5]);
  assert.equal(only!.squares, undefined);
});
