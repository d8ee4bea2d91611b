import assert from "node:assert/strict";
import fc from "fast-check";
import { type Expr } from "../mod.ts";
import { expr } from "../pieces.ts";
import { arrayBackend, compileProgram } from "../backend.ts";

const {
  abs,
  add,
  clamp,
  constant,
  div,
  divide0,
  max,
  min,
  mul,
  neg,
  power,
  read,
  scalar,
  sign,
  sqrt,
  square,
  sub,
} = expr;
const x = read("x"), y = read("y");

/** The tree's values in float64, but for the last rounding to float32. */
function evaluate(tree: Expr, inputs: Record<string, number[]>): number[] {
  const program = compileProgram({ outputs: [{ name: "out", shape: "element", value: tree }] });
  const n = Object.values(inputs)[0]!.length;
  const [result] = arrayBackend("interpreter").compile(program).run([{
    rows: 1,
    columns: n,
    inputs: program.inputs.map(({ name }) => Float32Array.from(inputs[name]!)),
    outputs: [new Float32Array(n)],
    scalars: new Float64Array(program.scalars.length),
  }]);
  return [...result!.outputs[0]!];
}

Deno.test("operations on literals are done at once", () => {
  assert.deepEqual(add(2, 3), constant(5));
  assert.deepEqual(sub(2, 3), constant(-1));
  assert.deepEqual(mul(2, 3), constant(6));
  assert.deepEqual(div(1, 8), constant(0.125));
  assert.deepEqual(min(2, 3), constant(2));
  assert.deepEqual(max(add(1, 1), 3), constant(3));
  assert.deepEqual(div(1, 0), constant(Infinity));
});

Deno.test("0/0 and ∞ − ∞ stay visible instead of becoming a constant that no one wrote", () => {
  assert.equal(div(0, 0).op, "div");
  assert.equal(sub(constant(Infinity), Infinity).op, "sub");
  assert.ok(Number.isNaN(evaluate(add(x, div(0, 0)), { x: [1] })[0]!));
});

Deno.test("multiplying by 1 is free, by 1/c a division", () => {
  assert.equal(mul(1, x), x);
  assert.equal(mul(x, 1), x);
  assert.equal(mul(constant(1), x), x);
  assert.deepEqual(mul(div(1, y), x), div(x, y));
  assert.deepEqual(mul(x, div(1, y)), div(x, y));
  assert.deepEqual(mul(x, -1).op, "mul");
});

Deno.test("NaN and what is not a number are no constants", () => {
  for (const bad of ["1", undefined] as unknown as number[]) {
    assert.throws(() => constant(bad), {
      name: "RangeError",
      message: `Cannot make a constant: value must be a number, current value is ${bad}`,
    });
  }
  for (const bad of ["1", undefined, () => x]) {
    for (const make of [() => add(x, bad as never), () => sqrt(bad as never)]) {
      assert.throws(make, { message: /^Cannot make a constant: value must be a number/ });
    }
  }
  // What x * 2 gives in JavaScript.
  assert.throws(() => add(x, NaN), {
    name: "RangeError",
    message: "Cannot make a constant: value must be a number, current value is NaN; expressions " +
      "take add() and mul(), not + and *",
  });
});

const values = [0, 0.25, 1, 1.7, 3, 1e-6, 1234.5].map(Math.fround);

Deno.test("power() is Math.pow for every multiple of 1/8 up to 4", () => {
  for (let eighths = 1; eighths <= 32; eighths++) {
    const p = eighths / 8;
    evaluate(power(x, p), { x: values }).forEach((found, i) => {
      const expected = Math.fround(values[i]! ** p);
      // Up to 9 roundings of float64 before the one to float32: at most a neighbouring float.
      assert.ok(Math.abs(found - expected) <= 1.2e-7 * expected, `${values[i]}^${p} = ${found}`);
    });
  }
  assert.equal(power(x, 1), x);
  assert.deepEqual(power(x, 2), mul(x, x));
  assert.deepEqual(power(x, 0.5), sqrt(x));
});

Deno.test("power() keeps 0, 1 and infinity", () => {
  for (const p of [0.125, 0.5, 0.625, 1.375, 4]) {
    assert.deepEqual(evaluate(power(x, p), { x: [0, 1, Infinity] }), [0, 1, Infinity]);
  }
});

Deno.test("power() refuses everything else", () => {
  for (const p of [0, -0.5, 4.125, 0.1, 1 / 3, NaN, Infinity]) {
    assert.throws(() => power(x, p), {
      name: "RangeError",
      message:
        `Cannot raise to a power: exponent must be a multiple of 1/8 in (0, 4], current value is ${p}`,
    });
  }
});

Deno.test("divide0() is 0 wherever the divisor is not positive", () => {
  const found = evaluate(divide0(x, y), {
    x: [3, 3, 0, -3, 3, NaN, 3, Infinity],
    y: [2, 0, 0, -0, -2, 0, NaN, 4],
  });
  assert.deepEqual(found, [1.5, 0, 0, 0, 0, 0, 0, Infinity]);
});

Deno.test("sign() is 1, 0 or −1, and 0 for NaN", () => {
  const found = evaluate(sign(x), { x: [3, 1e-40, 0, -0, -1e-40, -Infinity, NaN] });
  assert.deepEqual(found, [1, 1, 0, 0, -1, -1, 0]);
});

Deno.test("clamp, square, neg and abs are what they say", () => {
  const float = fc.float({ noNaN: true, min: -(2 ** 60), max: 2 ** 60 });
  fc.assert(
    fc.property(fc.array(float, { minLength: 1, maxLength: 5 }), (v) => {
      const same = (tree: Expr, f: (x: number) => number) =>
        assert.deepEqual(evaluate(tree, { x: v }), v.map(f).map(Math.fround));
      same(square(x), (v) => v * v);
      same(neg(x), (v) => -v);
      same(abs(x), Math.abs);
      same(clamp(x, 2.5), (v) => Math.sign(v) * Math.min(Math.abs(v), 2.5));
    }),
  );
});

Deno.test("a scalar and a read carry their names and shapes", () => {
  assert.deepEqual(scalar("w"), { op: "scalar", name: "w" });
  assert.deepEqual(read("m"), { op: "read", name: "m", shape: "element" });
  assert.deepEqual(read("m", "row"), { op: "read", name: "m", shape: "row" });
});
