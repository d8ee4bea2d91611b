import assert from "node:assert/strict";
import { type ArrayShape, type Expr } from "../mod.ts";
import { expr } from "../pieces.ts";
import { compileProgram, type Program } from "../backend.ts";

const {
  add,
  and,
  constant,
  div,
  gt,
  isFinite,
  lt,
  mul,
  neg,
  not,
  or,
  read,
  scalar,
  select,
  sqrt,
  sub,
  sum,
} = expr;
const x = () => read("x"), y = () => read("y");
const output = (value: Expr, name = "out", shape: ArrayShape = "element") => ({
  name,
  shape,
  value,
});
const compile = (...values: Expr[]): Program =>
  compileProgram({ outputs: values.map((value, i) => output(value, `out${i}`)) });
const ops = (program: Program) => program.nodes.map(({ op }) => op);

Deno.test("equal subtrees become one node, however they were built", () => {
  const tree = () => sqrt(add(mul(x(), x()), scalar("s")));
  const program = compile(add(tree(), 1), sub(tree(), tree()));
  assert.deepEqual(ops(program), ["read", "mul", "scalar", "add", "sqrt", "const", "add", "sub"]);
  const [a, b] = program.outputs.map(({ node }) => program.nodes[node]!);
  assert.equal(a!.args[0], b!.args[0]);
  assert.equal(b!.args[0], b!.args[1]);
});

Deno.test("equal sums are summed once; other scopes are other sums", () => {
  const s = (scope: expr.Scope) => sum(mul(x(), x()), scope);
  const program = compile(add(s("tensor"), s("tensor")), add(s("row"), s("all")));
  assert.deepEqual(program.sums.map(({ scope }) => scope).sort(), ["all", "row", "tensor"]);
});

Deno.test("order of operands and different names keep nodes apart", () => {
  const program = compile(sub(x(), y()), sub(y(), x()), mul(scalar("a"), scalar("b")));
  assert.deepEqual(ops(program), ["read", "read", "sub", "sub", "scalar", "scalar", "mul"]);
  assert.deepEqual(program.inputs.map(({ name }) => name), ["x", "y"]);
  assert.deepEqual(program.scalars, ["a", "b"]);
});

Deno.test("0 and −0 are not merged: 1/0 and 1/−0 differ", () => {
  const program = compile(div(x(), 0), div(x(), -0));
  const constants = program.nodes.filter(({ op }) => op === "const").map(({ value }) => value);
  assert.deepEqual(constants, [0, -0]);
  assert.ok(Object.is(constants[1], -0));
  assert.equal(compile(add(x(), 0.5), sub(x(), 0.5)).nodes.length, 4);
});

Deno.test("one pass more than the deepest nesting of sums", () => {
  const s = (a: Expr) => sum(a, "tensor");
  const depths: [Expr, number][] = [
    [x(), 0],
    [s(x()), 1],
    [add(s(x()), sum(y(), "row")), 1],
    [s(mul(x(), s(x()))), 2],
    [mul(s(sub(x(), s(x()))), s(y())), 2],
    [s(mul(x(), s(add(s(y()), x())))), 3],
  ];
  for (const [tree, depth] of depths) {
    assert.equal(compile(add(tree, neg(y()))).passes.length, 1 + depth);
    assert.equal(
      compileProgram({ outputs: [output(x(), "o")], hold: gt(s(tree), 0) }).passes.length,
      2 + depth,
    );
  }
});

Deno.test("a pass completes the sums of its level, and only the last one writes", () => {
  const total = sum(x(), "tensor");
  const program = compile(mul(x(), sum(mul(x(), total), "row")));
  const scopes = program.passes.map(({ sums }) => sums.map((s) => program.sums[s]!.scope));
  assert.deepEqual(scopes, [["tensor"], ["row"], []]);
  assert.deepEqual(program.passes.map(({ outputs }) => outputs), [[], [], [0]]);
  // The first pass needs x alone; the last loads the row's sum and does not compute it again.
  const [first, , last] = program.passes.map(({ tensor, row, element }) =>
    [...tensor, ...row, ...element].map((id) => program.nodes[id]!.op)
  );
  assert.deepEqual(first, ["read"]);
  assert.deepEqual(last!.sort(), ["mul", "read", "sum"]);
});

Deno.test("values are computed as seldom as they change", () => {
  const program = compile(
    mul(
      add(x(), read("r", "row")),
      mul(add(scalar("s"), read("t", "tensor")), sqrt(sum(x(), "row"))),
    ),
  );
  const [pass] = program.passes.slice(-1);
  const at = (ids: readonly number[]) => ids.map((id) => program.nodes[id]!.op);
  assert.deepEqual(at(pass!.tensor), ["scalar", "read", "add"]);
  assert.deepEqual(at(pass!.row).sort(), ["mul", "read", "sqrt", "sum"]);
  assert.deepEqual(at(pass!.element), ["read", "add", "mul"]);
});

Deno.test("a slot that keeps its value is not written, and read only for others", () => {
  const program = compileProgram({
    outputs: [output(x(), "x"), output(x(), "copy"), output(read("t", "tensor"), "t", "tensor")],
  });
  assert.deepEqual(program.outputs.map(({ name }) => name), ["copy"]);
  assert.deepEqual(program.inputs.map(({ name }) => name), ["x"]);
});

Deno.test("rows matter only if something is per row", () => {
  assert.equal(compile(add(x(), sum(x(), "tensor"))).usesRows, false);
  assert.equal(compile(add(x(), sum(x(), "row"))).usesRows, true);
  assert.equal(compile(add(x(), read("r", "row"))).usesRows, true);
  assert.equal(compileProgram({ outputs: [output(constant(1), "r", "row")] }).usesRows, true);
});

Deno.test("an output that varies faster than its array is a TypeError that names it", () => {
  const cases: [Expr, ArrayShape, RegExp | undefined][] = [
    [x(), "row", /"m" holds one value per row, but its new value varies per element/],
    [x(), "tensor", /"m" holds one value per tensor, but its new value varies per element/],
    [sum(x(), "row"), "tensor", /one value per tensor, but its new value varies per row/],
    [select(gt(x(), 0), 1, 2), "row", /varies per element/],
    [sum(x(), "row"), "row", undefined],
    [sum(x(), "all"), "tensor", undefined],
    [scalar("s"), "row", undefined],
    [sum(x(), "row"), "element", undefined],
  ];
  for (const [value, shape, message] of cases) {
    const make = () => compileProgram({ outputs: [output(value, "m", shape)] });
    if (message) assert.throws(make, { name: "TypeError", message });
    else assert.equal(make().outputs.length, 1);
  }
});

Deno.test("a hold that is not the same for the whole tensor is a TypeError", () => {
  const outputs = [output(neg(x()), "x")];
  for (const [hold, rate] of [[lt(x(), 0), "element"], [gt(sum(x(), "row"), 0), "row"]] as const) {
    for (const condition of [hold, not(hold), or(hold, gt(scalar("s"), 0))]) {
      assert.throws(() => compileProgram({ outputs, hold: condition }), {
        name: "TypeError",
        message:
          `Cannot compile the kernel: hold must be one value a tensor, current rate is ${rate}`,
      });
    }
  }
  const whole = and(gt(sum(x(), "all"), 0), isFinite(scalar("s")));
  const program = compileProgram({ outputs, hold: whole });
  assert.equal(program.nodes[program.hold!]!.op, "and");
});

Deno.test("truth values are told from numbers", () => {
  const program = compile(select(and(gt(x(), 0), not(isFinite(y()))), x(), y()));
  const boolean = program.nodes.filter((n) => n.boolean).map(({ op }) => op);
  assert.deepEqual(boolean.sort(), ["and", "gt", "isFinite", "not"]);
});

Deno.test("arguments come before what uses them", () => {
  const program = compile(sum(mul(x(), sum(add(x(), y()), "row")), "tensor"), div(y(), x()));
  program.nodes.forEach(({ args }, id) => args.forEach((a) => assert.ok(a < id)));
});
