import assert from "node:assert/strict";
import fc from "fast-check";
import { adam, adamW, createOptimizer, signalNewton, userCurvature } from "../mod.ts";
import { readSafetensors, writeSafetensors } from "../backend.ts";

/** The layout by the format's README: u64 length, JSON, then one buffer that the offsets index. */
function independently(bytes: Uint8Array) {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const length = view.getUint32(0, true) + 2 ** 32 * view.getUint32(4, true);
  const { __metadata__: metadata, ...tensors } = JSON.parse(
    new TextDecoder().decode(bytes.slice(8, 8 + length)),
  );
  const values = (name: string): number[] => {
    const [start, end] = tensors[name].data_offsets;
    return Array.from(
      { length: (end - start) / 4 },
      (_, i) => view.getFloat32(8 + length + start + 4 * i, true),
    );
  };
  return { length, metadata, tensors, values, end: 8 + length };
}

Deno.test("save() writes a file that reads by the format's own description", async () => {
  const optimizer = createOptimizer(adam());
  const gradient = Float32Array.of(1, -2, 3, 4, 5, 6);
  const step = { weights: new Float32Array(6), gradient, shape: [2, 3] };
  optimizer.step({
    "dense/kernel": step,
    'ünï "x"': { ...step, weights: new Float32Array(6), shape: [6] },
  });
  const bytes = await optimizer.save();
  const { length, metadata, tensors, values, end } = independently(bytes);

  assert.equal(length % 8, 0); // tensors are aligned
  assert.equal(String.fromCharCode(bytes[8]!), "{");
  assert.deepEqual(Object.keys(tensors), [
    "dense/kernel::inverseRms.v",
    "dense/kernel::inverseRms.to.m",
    'ünï "x"::inverseRms.v',
    'ünï "x"::inverseRms.to.m',
  ]);
  let at = 0;
  for (const [name, tensor] of Object.entries<Record<string, unknown>>(tensors)) {
    assert.deepEqual(tensor, {
      dtype: "F32",
      shape: name.startsWith("dense") ? [2, 3] : [6],
      data_offsets: [at, at + 24],
    });
    at += 24;
    // First step, bias-corrected: v = g², m = g.
    assert.deepEqual(values(name), [...gradient].map((g) => name.endsWith("m") ? g : g * g));
  }
  assert.equal(bytes.length, end + at);
  assert.equal(metadata.format, "precond");
  assert.ok(Object.values(metadata).every((value) => typeof value === "string"));
  const state = JSON.parse(metadata.state);
  assert.equal(state.iteration, 1);
  assert.deepEqual(state.parameters["dense/kernel"].step, 1);
});

Deno.test("readSafetensors() reads a file written by hand", () => {
  const header = '{"b":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"__metadata__":{"k":"v"},' +
    '"none":{"dtype":"F32","shape":[0,3],"data_offsets":[4,4]}} ';
  const bytes = new Uint8Array(3 + 8 + header.length + 4).subarray(3); // at an odd address
  bytes.set([header.length], 0);
  bytes.set(new TextEncoder().encode(header), 8);
  bytes.set([0, 0, 0xc0, 0x3f], 8 + header.length); // 1.5
  const { tensors, metadata } = readSafetensors(bytes);
  assert.deepEqual(metadata, { k: "v" });
  assert.deepEqual([...tensors], [
    ["b", { shape: [], values: Float32Array.of(1.5) }],
    ["none", { shape: [0, 3], values: new Float32Array(0) }],
  ]);
});

Deno.test("what is written is read again, to the bit", () => {
  const tensor = fc.array(fc.float(), { maxLength: 20 }).map((x) => ({
    shape: [x.length],
    values: Float32Array.from(x),
  }));
  const name = fc.string({ unit: "binary" }).filter((n) =>
    n !== "__metadata__" && n !== "__proto__" && n.isWellFormed()
  );
  const file = fc.record({
    tensors: fc.uniqueArray(fc.tuple(name, tensor), { selector: ([n]) => n })
      // Names that look like integers come first in a JavaScript object, whatever was written first.
      .map((list) => new Map(list.filter(([n]) => !/^\d+$/.test(n)))),
    metadata: fc.dictionary(name, fc.string(), { noNullPrototype: true }),
  }, { noNullPrototype: true });
  fc.assert(fc.property(file, (f) => assert.deepEqual(readSafetensors(writeSafetensors(f)), f)));
});

function bytesOf(header: unknown, data = 0): Uint8Array {
  const text = new TextEncoder().encode(
    typeof header === "string" ? header : JSON.stringify(header),
  );
  const bytes = new Uint8Array(8 + text.length + data);
  bytes.set([text.length & 255, text.length >> 8]);
  bytes.set(text, 8);
  return bytes;
}

Deno.test("readSafetensors() says what is wrong", () => {
  const entry = { dtype: "F32", shape: [2], data_offsets: [0, 8] };
  const cases: [Uint8Array, RegExp][] = [
    [new Uint8Array(7), /at least 8 bytes, this one 7/],
    [Uint8Array.of(255, 255, 255, 255, 255, 255, 255, 127), /header should have/],
    [bytesOf("{"), /not JSON/],
    [bytesOf("[]"), /not an object/],
    [bytesOf("null"), /not an object/],
    [bytesOf({ a: null }), /"a" has dtype undefined/],
    [bytesOf({ a: { ...entry, shape: [-2] } }, 8), /"a" has no valid shape/],
    [bytesOf({ a: { ...entry, shape: "2" } }, 8), /"a" has no valid shape/],
    [bytesOf({ a: { ...entry, data_offsets: [0, 8, 9] } }, 8), /"a" has no valid data_offsets/],
    [
      bytesOf({ a: { ...entry, data_offsets: [0, 4] } }, 8),
      /"a" of shape \[2\] should lie at 0\.\.8/,
    ],
    [bytesOf({ a: entry, b: { ...entry, data_offsets: [4, 12] } }, 16), /"b" .* lie at 8\.\.16/],
    [bytesOf({ a: entry }, 7), /"a" ends at byte/],
    [bytesOf({ a: entry }, 9), /the tensors end at byte/],
    [bytesOf({ a: { ...entry, shape: [2 ** 30, 2 ** 30] } }, 8), /"a" of shape/],
    [bytesOf({ __metadata__: null }), /metadata/],
    [bytesOf({ __metadata__: { a: 1 } }), /metadata/],
  ];
  for (const [bytes, message] of cases) {
    assert.throws(() => readSafetensors(bytes), { name: "TypeError", message });
    assert.throws(() => readSafetensors(bytes), { message: /^Cannot read safetensors: / });
  }
});

Deno.test("a damaged byte of the header never makes load() crash or the next step diverge", async () => {
  const definition = signalNewton({ curvature: userCurvature() });
  const step = (optimizer: ReturnType<typeof createOptimizer>) => {
    const weights = Float32Array.of(1, 1);
    const given = { weights, gradient: Float32Array.of(1, 2), curvature: Float32Array.of(1, 1) };
    optimizer.step({ w: given });
    return weights;
  };
  for (const make of [() => definition, () => adamW()]) {
    const optimizer = createOptimizer(make());
    step(optimizer);
    const bytes = await optimizer.save();
    const { end } = independently(bytes);
    const at = fc.integer({ min: 0, max: end - 1 });
    fc.assert(
      fc.property(at, fc.integer({ min: 0, max: 255 }), (i, byte) => {
        const damaged = bytes.slice();
        damaged[i] = byte;
        const other = createOptimizer(make());
        try {
          other.load(damaged);
        } catch (error) {
          assert.ok(error instanceof TypeError, String(error));
          assert.match(
            error.message,
            /^Cannot (read safetensors: |restore |step "[^"]*": it matches)/,
          );
          return;
        }
        assert.ok(step(other).every(Number.isFinite));
      }),
      { numRuns: 2000, seed: 1 },
    );
  }
});

Deno.test("writeSafetensors() refuses what its reader refuses", () => {
  const file = (shape: unknown, values: unknown, metadata: object = {}) => () =>
    writeSafetensors({ tensors: new Map([["w", { shape, values }]]), metadata } as never);
  const two = new Float32Array(2);
  const cases: [() => unknown, string, RegExp][] = [
    [file([3], two), "TypeError", /"w" as safetensors: shape \[3\] has 3 elements, current .* 2$/],
    [file([-2], two), "RangeError", /shape must be an array/],
    [file([0.5, 4], two), "RangeError", /shape must be an array/],
    [file("2", two), "TypeError", /shape must be an array/],
    [file([2], new Float64Array(2)), "TypeError", /values must be a Float32Array/],
    [file([2], [1, 2]), "TypeError", /values must be a Float32Array/],
    [file([2], two, { step: 3 }), "TypeError", /metadata "step" must be a string/],
  ];
  for (const [write, name, message] of cases) {
    assert.throws(write, (error: Error) => {
      assert.match(error.message, /^Cannot write /);
      assert.match(error.message, message);
      return error.name === name;
    });
  }
  const bytes = file([], new Float32Array(1))();
  assert.deepEqual(readSafetensors(bytes).tensors.get("w")!.shape, []);
  assert.throws(() => readSafetensors("file.safetensors" as never), {
    name: "TypeError",
    message: /the file must be a Uint8Array, current value is "file.safetensors"/,
  });
});
