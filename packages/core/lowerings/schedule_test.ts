import assert from "node:assert/strict";
import {
  adaHessian,
  adam,
  type Chain,
  type Expr,
  signalNewton,
  signalSgd,
  userCurvature,
  vSgd,
} from "../mod.ts";
import { expr } from "../pieces.ts";
import { compileProgram, type Program, wasmHeap, wasmKernel, wasmModule } from "../backend.ts";
import { asLateAsPossible } from "./schedule.ts";

const { add, mul, read, sub, sum } = expr;
const compile = (values: Readonly<Record<string, Expr>>) =>
  compileProgram({
    outputs: Object.entries(values).map(([name, value]) => ({ name, shape: "element", value })),
  });
const curvature = userCurvature();
const definitions = {
  adam: adam(),
  combined: signalNewton({ curvature, weightDecay: 0.01 }),
  vSgd: vSgd({ curvature }),
  adaHessian: adaHessian({ curvature }),
  pooled: signalSgd({ pool: "row", scale: "unit-norm" }),
};

Deno.test("every node is computed once, after its arguments", () => {
  for (const [name, definition] of Object.entries(definitions)) {
    const program = (definition as Chain).program({ gradientSquares: false, curvature: true });
    for (const pass of program.passes) {
      const order = asLateAsPossible(program.nodes, pass);
      assert.deepEqual([...order].sort((a, b) => a - b), pass.element, name);
      order.forEach((id, i) => {
        for (const a of program.nodes[id]!.args) assert.ok(order.indexOf(a) < i, name);
      });
    }
  }
});

Deno.test("an array is read just before it is needed, though the expression names it first", () => {
  const x = read("x");
  const program = compile({ out: sub(read("late"), mul(mul(x, x), x)) });
  const order = asLateAsPossible(program.nodes, program.passes[0]!);
  const names = order.map((id) => {
    const { op, index } = program.nodes[id]!;
    return op === "read" ? program.inputs[index!]!.name : op;
  });
  // "late" may come as late as its neighbour x³, not as early as x.
  assert.deepEqual(names, ["x", "mul", "late", "mul", "sub"]);
});

/** The instructions sqrt and div of a module in order, as "s" and "d". */
function rootsAndQuotients(bytes: Uint8Array): string {
  const names = new Map([[0xe3, "s"], [0xe7, "d"]]);
  return [...bytes].map((byte, i) =>
    bytes[i - 1] === 0xfd && bytes[i + 1] === 0x01 ? names.get(byte) ?? "" : ""
  ).join("");
}

Deno.test("an instruction is written for all vectors of a turn before the next one", () => {
  const program = adam().program({ gradientSquares: false, curvature: false });
  // A turn of four vectors, one vector, one element.
  assert.equal(rootsAndQuotients(wasmModule(program)), "ssssdddd" + "sd" + "sd");
});

/** 23 elements in place: a turn of four vectors, one vector, three single elements. */
const size = 23;
const values = (start: number) => Float32Array.from({ length: size }, (_, i) => start + i);

function inPlace(program: Program, arrays: Readonly<Record<string, Float32Array>>) {
  const heap = wasmHeap();
  const places = Object.fromEntries(
    Object.keys(arrays).map((name) => [name, heap.allocate(size * 4)]),
  );
  for (const [name, array] of Object.entries(arrays)) {
    heap.floats(places[name]!, size).set(array);
  }
  const address = ({ name }: { name: string }) => places[name]!;
  wasmKernel(program, heap.memory, heap)([{
    rows: 1,
    columns: size,
    inputs: program.inputs.map(address),
    outputs: program.outputs.map(address),
    scalars: new Float64Array(0),
  }]);
  return (name: string) => [...heap.floats(places[name]!, size)];
}

Deno.test("arrays that exchange their values in place do so", () => {
  const [a, b] = [values(1), values(100)];
  const found = inPlace(compile({ a: read("b"), b: read("a") }), { a, b });
  assert.deepEqual(found("a"), [...b]);
  assert.deepEqual(found("b"), [...a]);
});

Deno.test("an array whose new value is known first is written after its old one is read", () => {
  const [m, g, w] = [values(1), values(100), values(7)];
  const cube = mul(mul(read("g"), read("g")), read("g"));
  const program = compile({ m: mul(read("g"), 2), w: add(read("w"), add(cube, read("m"))) });
  const found = inPlace(program, { m, g, w });
  assert.deepEqual(found("m"), [...g].map((g) => 2 * g));
  assert.deepEqual(found("w"), [...w].map((w, i) => w + (g[i]! ** 3 + m[i]!)));
});

Deno.test("values that no element computes are written to every element", () => {
  const program = compile({ fixed: expr.constant(3), total: sum(read("x"), "tensor") });
  const found = inPlace(program, { x: values(1), fixed: values(0), total: values(0) });
  assert.deepEqual(found("fixed"), new Array(size).fill(3));
  assert.deepEqual(found("total"), new Array(size).fill(size * (size + 1) / 2));
});
