import assert from "node:assert/strict";
import { webgpuBackend } from "@precond/testing";
import { type Scope } from "../mod.ts";
import { expr } from "../pieces.ts";
import { arrayBackend, type Backend, compileProgram, wasmBackend } from "../backend.ts";

const adapter = await navigator.gpu?.requestAdapter();

/** √ of Σ 0.1² over a million elements in one row, by scope. */
async function norm<A>(backend: Backend<A>, scope: Scope): Promise<number> {
  const columns = 1_000_000;
  const x = expr.read("x");
  const value = expr.sqrt(expr.sum(expr.square(x), scope));
  const shape = scope === "row" ? "row" : "tensor";
  const program = compileProgram({ outputs: [{ name: "norm", shape, value }] });
  const [result] = backend.compile(program).run([{
    rows: 1,
    columns,
    inputs: [backend.write(new Float32Array(columns).fill(0.1), [columns])],
    outputs: [backend.allocate(scope === "row" ? [1] : [], 0)],
    scalars: new Float64Array(),
  }]);
  return (await backend.read(result!.outputs[0]!))[0]!;
}

/** In order, in one float32, the sum is off by 0.7 %; in blocks of some hundred by their roundings. */
async function check<A>(backend: Backend<A>): Promise<void> {
  for (const scope of ["row", "tensor", "all"] as const) {
    const found = await norm(backend, scope);
    const exact = Math.sqrt(1e6 * Math.fround(0.1) ** 2);
    assert.ok(
      Math.abs(found / exact - 1) < 1e-5,
      `${scope} on ${backend.name}: ${found}, ${exact}`,
    );
  }
}

for (const lowering of ["javascript", "interpreter"] as const) {
  Deno.test(`long sums keep their digits: ${lowering}`, () => check(arrayBackend(lowering)));
}
Deno.test("long sums keep their digits: wasm", () => check(wasmBackend()));
Deno.test({
  name: "long sums keep their digits: WebGPU",
  ignore: !adapter, // needs a driver
  async fn() {
    const device = await adapter!.requestDevice();
    try {
      await check(webgpuBackend(device));
    } finally {
      device.destroy();
    }
  },
});
