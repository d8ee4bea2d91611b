/** Every operator of the language, in JavaScript, the interpreter and WebAssembly, to the bit. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { type Cond, type Expr } from "../mod.ts";
import { expr } from "../pieces.ts";
import {
  arrayBackend,
  type Backend,
  compileProgram,
  type Program,
  wasmBackend,
} from "../backend.ts";

const special = [
  [0, -0, 1, -1, 0.1, -2.5, 3e38, -3.4028234663852886e38, Infinity, -Infinity, NaN],
  // Smallest normal and subnormal numbers, and one that overflows when squared.
  [2 ** -126, -(2 ** -149), 2 ** 70],
].flat().map(Math.fround);

function run<A>(backend: Backend<A>, program: Program, inputs: number[][], scalars: number[]) {
  const columns = inputs[0]!.length;
  const [result] = backend.compile(program).run([{
    rows: 1,
    columns,
    inputs: inputs.map((values) => backend.write(Float32Array.from(values), [columns])),
    outputs: program.outputs.map(() => backend.allocate([columns], NaN)),
    scalars: Float64Array.from(scalars),
  }]);
  return result!.outputs.map((array) => [...backend.read(array) as Float32Array]);
}

/** What may come out differently: min and max of zeros with different signs. */
class Unspecified extends Error {}

const same = (x: number) => x;
const textOf = (e: Expr | Cond) =>
  JSON.stringify(e, (_, x) => Object.is(x, -0) ? "-0" : x === Infinity ? "∞" : x);

/** The value of a tree; `round` is applied after each operation, and to what is stored. */
function value(
  e: Expr | Cond,
  at: Record<string, number>,
  round: (x: number) => number,
  stored: ReadonlySet<string>,
): number {
  const inner = (a: Expr | Cond) => {
    const found = value(a, at, round, stored);
    return stored.has(textOf(a)) ? Math.fround(found) : found;
  };
  const args = "args" in e ? e.args.map(inner) : [];
  const [a, b, c] = args as [number, number, number];
  switch (e.op) {
    case "const":
      return round(e.value);
    case "read":
    case "scalar":
      return round(at[e.name]!);
    case "neg":
      return -a;
    case "abs":
      return Math.abs(a);
    case "sqrt":
      return round(Math.sqrt(a));
    case "add":
      return round(a + b);
    case "sub":
      return round(a - b);
    case "mul":
      return round(a * b);
    case "div":
      return round(a / b);
    case "min":
    case "max":
      if (Number.isNaN(a) || Number.isNaN(b)) return NaN;
      if (a === b && !Object.is(a, b)) throw new Unspecified();
      return e.op === "min" ? (a < b ? a : b) : a > b ? a : b;
    case "lt":
      return Number(a < b);
    case "le":
      return Number(a <= b);
    case "gt":
      return Number(a > b);
    case "ge":
      return Number(a >= b);
    case "eq":
      return Number(a === b);
    case "isFinite":
      return Number(Number.isFinite(Math.fround(a)));
    case "and":
      return a && b;
    case "or":
      return a || b;
    case "not":
      return Number(!a);
    case "select":
      return a ? b : c;
    default:
      throw new TypeError(`No value of ${e.op}`);
  }
}

/** Compares all lowerings on the columns of x and y where the value is specified. */
function check(trees: readonly Expr[], x: number[], y: number[], s = 0.3) {
  const names = trees.map((_, i) => `out${i}`);
  const program = compileProgram({
    outputs: [
      { name: "keepX", shape: "element", value: expr.read("x") },
      { name: "keepY", shape: "element", value: expr.read("y") },
      ...trees.map((value, i) => ({ name: names[i]!, shape: "element" as const, value })),
    ],
  });
  const inputs = program.inputs.map(({ name }) => ({ x, y })[name as "x"]!);
  const scalars = program.scalars.map(() => s);
  const wasm = wasmBackend();
  const actual = {
    javascript: run(arrayBackend("javascript"), program, inputs, scalars),
    interpreter: run(arrayBackend("interpreter"), program, inputs, scalars),
    wasm: run(wasm, program, inputs, scalars),
  };
  // Such values are used as they are stored.
  const stored = new Set(trees.map(textOf));
  trees.forEach((tree, i) => {
    x.forEach((_, k) => {
      const at = { x: x[k]!, y: y[k]!, s };
      for (
        const [lowering, round] of [["javascript", same], ["interpreter", same], [
          "wasm",
          Math.fround,
        ]] as const
      ) {
        let expected: number;
        try {
          expected = Math.fround(value(tree, at, round, stored));
        } catch (error) {
          if (error instanceof Unspecified) continue;
          throw error;
        }
        const found = actual[lowering][i + 2]![k]!;
        assert.ok(
          Object.is(found, expected),
          `${lowering}: ${JSON.stringify(tree)} of ${at.x}, ${at.y} is ${found}, not ${expected}`,
        );
      }
    });
  });
}

const { add, sub, mul, div, min, max, neg, abs, sqrt, lt, le, gt, ge, eq, and, or, not, select } =
  expr;
const [x, y] = [expr.read("x"), expr.read("y")];
const bool = (c: Cond) => [select(c, 2, 3), select(c, 1, 0), select(c, x, y)];

Deno.test("every operator gives the same bits on special values in every lowering", () => {
  const pairs = special.flatMap((a) => special.map((b) => [a, b] as const));
  const trees: Expr[] = [
    ...[add, sub, mul, div, min, max].map((f) => f(x, y)),
    ...[neg, abs, sqrt, expr.square, expr.sign].map((f) => f(x)),
    ...[lt, le, gt, ge, eq].flatMap((f) => bool(f(x, y))),
    ...bool(expr.isFinite(x)),
    ...[and, or].flatMap((f) => bool(f(lt(x, y), gt(x, -1)))),
    ...bool(not(le(x, y))),
    expr.divide0(x, y),
    expr.clamp(x, 1),
    expr.power(abs(x), 1.375),
  ];
  check(trees, pairs.map(([a]) => a), pairs.map(([, b]) => b));
});

Deno.test("truth tables of and, or, not", () => {
  const truth = [[0, 0], [0, 1], [1, 0], [1, 1]];
  const [a, b] = [gt(x, 0), gt(y, 0)];
  const program = compileProgram({
    outputs: [and(a, b), or(a, b), not(a)].map((c, i) => ({
      name: `${i}`,
      shape: "element" as const,
      value: select(c, 1, 0),
    })),
  });
  const inputs = [truth.map(([a]) => a!), truth.map(([, b]) => b!)];
  for (const backend of [arrayBackend(), arrayBackend("interpreter")]) {
    assert.deepEqual(run(backend, program, inputs, []), [[0, 0, 0, 1], [0, 1, 1, 1], [1, 1, 0, 0]]);
  }
  assert.deepEqual(run(wasmBackend(), program, inputs, []), [[0, 0, 0, 1], [0, 1, 1, 1], [
    1,
    1,
    0,
    0,
  ]]);
});

Deno.test("random trees: float64 between load and store in JavaScript, float32 after each operation in WASM", () => {
  const { tree } = fc.letrec<{ tree: Expr; cond: Cond }>((tie) => ({
    cond: fc.oneof(
      fc.tuple(fc.constantFrom(lt, le, gt, ge, eq), tie("tree"), tie("tree")).map(([f, a, b]) =>
        f(a, b)
      ),
      tie("tree").map((a) => expr.isFinite(a)),
      fc.tuple(fc.constantFrom(and, or), tie("cond"), tie("cond")).map(([f, a, b]) => f(a, b)),
      tie("cond").map(not),
    ),
    tree: fc.oneof(
      { maxDepth: 5, depthSize: "medium" },
      fc.constantFrom(x, y, expr.scalar("s"), expr.constant(0.7), expr.constant(-0)),
      fc.tuple(fc.constantFrom(add, sub, mul, div, min, max), tie("tree"), tie("tree")).map((
        [f, a, b],
      ) => f(a, b)),
      fc.tuple(fc.constantFrom(neg, abs, sqrt), tie("tree")).map(([f, a]) => f(a)),
      fc.tuple(tie("cond"), tie("tree"), tie("tree")).map(([c, a, b]) => select(c, a, b)),
    ),
  }));
  const f32 = fc.float({ noDefaultInfinity: true, noNaN: true, min: -100, max: 100 });
  const columns = fc.array(fc.tuple(f32, f32), { minLength: 1, maxLength: 21 });
  fc.assert(
    fc.property(
      fc.array(tree, { minLength: 1, maxLength: 4 }),
      columns,
      (trees, values) => check(trees, values.map(([a]) => a), values.map(([, b]) => b)),
    ),
    { numRuns: 300, seed: 11 },
  );
});
