import assert from "node:assert/strict";
import fc from "fast-check";
import { chain, momentum, signalNewton, unitNorm, userCurvature } from "../mod.ts";
import { wasmHeap, wasmKernel, wasmModule, wasmSignature } from "../backend.ts";
import { signed, unsigned } from "./wasm_encoder.ts";

// 624485 and −123456 are the examples of the DWARF standard's article; the others its edges.
Deno.test("LEB128 against known vectors", () => {
  const vectors: [(value: number) => number[], number, number[]][] = [
    [unsigned, 0, [0x00]],
    [unsigned, 1, [0x01]],
    [unsigned, 127, [0x7f]],
    [unsigned, 128, [0x80, 0x01]],
    [unsigned, 16383, [0xff, 0x7f]],
    [unsigned, 16384, [0x80, 0x80, 0x01]],
    [unsigned, 624485, [0xe5, 0x8e, 0x26]],
    [unsigned, 2 ** 32 - 1, [0xff, 0xff, 0xff, 0xff, 0x0f]],
    [signed, 0, [0x00]],
    [signed, 2, [0x02]],
    [signed, -2, [0x7e]],
    [signed, 63, [0x3f]],
    [signed, 64, [0xc0, 0x00]],
    [signed, 127, [0xff, 0x00]],
    [signed, -1, [0x7f]],
    [signed, -64, [0x40]],
    [signed, -65, [0xbf, 0x7f]],
    [signed, -127, [0x81, 0x7f]],
    [signed, -128, [0x80, 0x7f]],
    [signed, -123456, [0xc0, 0xbb, 0x78]],
    [signed, 2 ** 31 - 1, [0xff, 0xff, 0xff, 0xff, 0x07]],
    [signed, -(2 ** 31), [0x80, 0x80, 0x80, 0x80, 0x78]],
  ];
  for (const [encode, value, bytes] of vectors) {
    assert.deepEqual(encode(value), bytes, `${encode.name}(${value})`);
  }
});

Deno.test("LEB128 decodes to what was encoded, in as few bytes as there are", () => {
  const decode = (bytes: number[]) =>
    bytes.reduce((sum, b, i) => sum + (b & 0x7f) * 2 ** (7 * i), 0);
  fc.assert(fc.property(fc.nat({ max: 2 ** 32 - 1 }), (n) => {
    const bytes = unsigned(n);
    assert.equal(decode(bytes), n);
    assert.equal(bytes.length, Math.max(1, Math.ceil(n.toString(2).length / 7)));
    assert.ok(bytes.every((b, i) => (b >= 0x80) === (i < bytes.length - 1)));
  }));
  fc.assert(fc.property(fc.integer(), (n) => {
    const bytes = signed(n), bits = 7 * bytes.length;
    const raw = decode(bytes);
    assert.equal(bytes.at(-1)! & 0x40 ? raw - 2 ** bits : raw, n);
    assert.ok(n >= -(2 ** (bits - 1)) && n < 2 ** (bits - 1));
    if (bytes.length > 1) assert.ok(n < -(2 ** (bits - 8)) || n >= 2 ** (bits - 8));
  }));
});

const program = signalNewton({ curvature: userCurvature(), pool: "row", scale: "unit-norm" })
  .program({ gradientSquares: false, curvature: true });

Deno.test("a module exports one function a pass and one global a sum, and imports a memory", () => {
  for (const sharedMemory of [false, true]) {
    const bytes = wasmModule(program, { sharedMemory });
    assert.ok(WebAssembly.validate(bytes));
    const module = new WebAssembly.Module(bytes);
    assert.deepEqual(WebAssembly.Module.imports(module), [
      { module: "env", name: "memory", kind: "memory" },
    ]);
    assert.deepEqual(WebAssembly.Module.exports(module), [
      ...program.passes.map((_, i) => ({ name: `pass${i}`, kind: "function" })),
      ...program.sums.map((_, i) => ({ name: `g${i}`, kind: "global" })),
    ]);
  }
});

Deno.test("a pass takes rows, columns and what wasmSignature() says", () => {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const module = new WebAssembly.Module(wasmModule(program));
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  const { inputs, outputs, rowSums, scalars, totals } = wasmSignature(program);
  const parameters = 2 + inputs + outputs + rowSums.length + scalars + totals;
  for (let p = 0; p < program.passes.length; p++) {
    assert.equal((exports[`pass${p}`] as (...args: number[]) => number).length, parameters);
  }
  assert.deepEqual(rowSums.map((s) => program.sums[s]!.scope), rowSums.map(() => "row"));
});

Deno.test("with the flag a module runs on a shared memory, without it it does not link", () => {
  const program = chain(unitNorm(), momentum({ form: "sum" }))
    .program({ gradientSquares: false, curvature: false });
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 10, shared: true });
  assert.throws(
    () =>
      new WebAssembly.Instance(new WebAssembly.Module(wasmModule(program)), { env: { memory } }),
    WebAssembly.LinkError,
  );
  const heap = wasmHeap(memory);
  const kernel = wasmKernel(program, memory, heap, { sharedMemory: true });
  const write = (values: number[]) => {
    const address = heap.allocate(values.length * 4);
    heap.floats(address, values.length).set(values);
    return address;
  };
  const arrays: Record<string, number> = {
    weights: write([1, 1]),
    gradient: write([3, 4]),
    "momentum.m": write([0.5, 0]),
  };
  const held = kernel([{
    rows: 1,
    columns: 2,
    inputs: program.inputs.map(({ name }) => arrays[name]!),
    outputs: program.outputs.map(({ name }) => arrays[name]!),
    scalars: new Float64Array(program.scalars.length),
  }]);
  assert.deepEqual(held, [false]);
  // m ← .9 · (.5, 0) + (3, 4)/5
  const m = [0.9 * 0.5 + 0.6, 0.8];
  assert.deepEqual([...heap.floats(arrays["momentum.m"]!, 2)], m.map(Math.fround));
  assert.deepEqual(
    [...heap.floats(arrays["weights"]!, 2)].map((w) => w.toFixed(6)),
    m.map((m) => (1 - m).toFixed(6)),
  );
});
