/** Tails, rows of every size, empty tensors, and sums over row, tensor and all. */
import assert from "node:assert/strict";
import { assertAllClose, random } from "@precond/testing";
import { type ArrayShape } from "../mod.ts";
import { expr } from "../pieces.ts";
import {
  arrayBackend,
  type Backend,
  compileProgram,
  layout,
  type Program,
  wasmBackend,
} from "../backend.ts";

const backends = {
  javascript: () => arrayBackend("javascript") as Backend<unknown>,
  interpreter: () => arrayBackend("interpreter") as Backend<unknown>,
  wasm: () => wasmBackend() as Backend<unknown>,
};
const { add, mul, read, sum } = expr;

interface Tensor {
  readonly shape: readonly number[];
  readonly arrays: Readonly<Record<string, Float32Array>>;
}

/** Runs the program on several tensors at once; outputs by name. */
function run(backend: Backend<unknown>, program: Program, tensors: readonly Tensor[]) {
  const calls = tensors.map(({ shape, arrays }) => {
    const { rows } = layout(shape);
    const shapes: Record<ArrayShape, readonly number[]> = {
      element: shape,
      row: [rows],
      tensor: [],
    };
    return {
      ...layout(shape),
      inputs: program.inputs.map(({ name, shape }) => backend.write(arrays[name]!, shapes[shape])),
      outputs: program.outputs.map(({ shape }) => backend.allocate(shapes[shape], NaN)),
      scalars: new Float64Array(0),
    };
  });
  return backend.compile(program).run(calls).map(({ outputs }) =>
    Object.fromEntries(
      program.outputs.map(({ name }, o) => [name, [...backend.read(outputs[o]!) as Float32Array]]),
    )
  );
}

// Small integers: every sum is exact, so every lowering must give the same numbers.
const integers = (n: number, { integer } = random(n)) =>
  Float32Array.from({ length: n }, () => integer(17) - 8);
const total = (x: ArrayLike<number>) => Array.from(x).reduce((a, b) => a + b, 0);

const x = read("x"), perRow = read("perRow", "row"), one = read("one", "tensor");
const program = compileProgram({
  outputs: [
    {
      name: "element",
      shape: "element",
      value: add(add(mul(x, 2), sum(x, "row")), add(mul(perRow, 3), mul(sum(x, "tensor"), one))),
    },
    { name: "row", shape: "row", value: add(sum(mul(x, x), "row"), perRow) },
    { name: "tensor", shape: "tensor", value: add(sum(x, "all"), one) },
    // A sum of what is the same for a whole row counts it once for each element.
    { name: "counted", shape: "tensor", value: sum(perRow, "tensor") },
    { name: "size", shape: "tensor", value: sum(1, "tensor") },
  ],
});

function expected(tensors: readonly Tensor[]) {
  const all = total(tensors.map(({ arrays }) => total(arrays.x!)));
  return tensors.map(({ shape, arrays }) => {
    const { rows, columns } = layout(shape);
    const { x, perRow, one } = arrays as Record<"x" | "perRow" | "one", Float32Array>;
    const rowOf = (r: number) => x.subarray(r * columns, (r + 1) * columns);
    return {
      element: Array.from(x, (v, i) => {
        const r = Math.floor(i / columns);
        return 2 * v + total(rowOf(r)) + 3 * perRow[r]! + total(x) * one[0]!;
      }),
      row: Array.from({ length: rows }, (_, r) => total(rowOf(r).map((v) => v * v)) + perRow[r]!),
      tensor: [all + one[0]!],
      counted: [total(perRow) * columns],
      size: [rows * columns],
    };
  });
}

const tensor = (shape: readonly number[]): Tensor => {
  const { rows, columns } = layout(shape);
  return {
    shape,
    arrays: { x: integers(rows * columns), perRow: integers(rows), one: Float32Array.of(3) },
  };
};

for (const [name, backend] of Object.entries(backends)) {
  Deno.test(`${name}: every number of columns from 0 to 40, alone and in rows`, () => {
    for (let n = 0; n <= 40; n++) {
      for (const shape of [[n], [3, n], [n, 3], [2, 2, n]]) {
        const tensors = [tensor(shape)];
        assert.deepEqual(run(backend(), program, tensors), expected(tensors), `[${shape}]`);
      }
    }
  });

  Deno.test(`${name}: several tensors, a scalar and empty ones among them, share the sum over all`, () => {
    const tensors = [[5, 7], [], [0], [0, 4], [4, 0], [1030], [2, 1500]].map(tensor);
    assert.deepEqual(run(backend(), program, tensors), expected(tensors));
  });

  Deno.test(`${name}: without rows a tensor is one long row`, () => {
    const flat = compileProgram({
      outputs: [{ name: "y", shape: "element", value: add(x, sum(x, "tensor")) }],
    });
    assert.equal(flat.usesRows, false);
    for (const shape of [[], [0], [7, 5], [3, 1], [1025]]) {
      const t = tensor(shape);
      const [{ y } = {}] = run(backend(), flat, [t]);
      assert.deepEqual(y, Array.from(t.arrays.x!, (v) => v + total(t.arrays.x!)));
    }
  });

  Deno.test(`${name}: a million terms of 0.1 are added up in float64`, () => {
    const n = 1_000_000;
    const shape = [4, n / 4];
    const arrays = { x: new Float32Array(n).fill(0.1) };
    const sums = compileProgram({
      outputs: [
        { name: "row", shape: "row", value: sum(x, "row") },
        { name: "tensor", shape: "tensor", value: sum(x, "tensor") },
        { name: "all", shape: "tensor", value: sum(x, "all") },
      ],
    });
    const [result] = run(backend(), sums, [{ shape, arrays }, { shape, arrays }]);
    const exact = n * Math.fround(0.1);
    // Added up in float32 the tensor would give 100,958.
    const half = { relative: 6e-8 }; // of a float32 unit, on the way out
    assertAllClose(result!.row!, new Array(4).fill(exact / 4), half);
    assertAllClose(result!.tensor!, [exact], half);
    assertAllClose(result!.all!, [2 * exact], half);
  });

  Deno.test(`${name}: large terms that cancel leave the small ones`, () => {
    const cancel = compileProgram({
      outputs: [{ name: "s", shape: "tensor", value: sum(x, "tensor") }],
    });
    const arrays = { x: Float32Array.of(1e8, 1, -1e8, 1, 2 ** 40, 1, 0.25, -(2 ** 40), 0.5) };
    assert.deepEqual(run(backend(), cancel, [{ shape: [9], arrays }]), [{ s: [3.75] }]);
  });

  Deno.test(`${name}: arrays may be read and written in place`, () => {
    const program = compileProgram({
      outputs: [
        { name: "x", shape: "element", value: add(x, sum(x, "row")) },
        { name: "perRow", shape: "row", value: add(perRow, sum(x, "row")) },
        { name: "one", shape: "tensor", value: add(one, sum(x, "tensor")) },
      ],
    });
    const b = backend();
    const values = [1, 2, 3, 4, 5, 6];
    const arrays = new Map([
      ["x", b.write(Float32Array.from(values), [2, 3])],
      ["perRow", b.write(Float32Array.of(10, 20), [2])],
      ["one", b.write(Float32Array.of(100), [])],
    ]);
    const find = ({ name }: { name: string }) => arrays.get(name)!;
    b.compile(program).run([{
      rows: 2,
      columns: 3,
      inputs: program.inputs.map(find),
      outputs: program.outputs.map(find),
      scalars: new Float64Array(0),
    }]);
    const found = [...arrays.values()].map((a) => [...b.read(a) as Float32Array]);
    assert.deepEqual(found, [[7, 8, 9, 19, 20, 21], [16, 35], [121]]);
  });
}
