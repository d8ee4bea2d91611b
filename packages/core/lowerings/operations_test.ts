/** Operations of a host that counts the uses of its arrays, and fails at one use too many. */
import assert from "node:assert/strict";
import { random } from "@precond/testing";
import { expr } from "../pieces.ts";
import {
  arrayBackend,
  compileProgram,
  type HostOperations,
  runOperations,
  type View,
} from "../backend.ts";

interface Counted {
  readonly view: View;
  readonly values: readonly number[];
  uses: number;
}

function countingHost() {
  const all: Counted[] = [];
  const make = (view: View, values: readonly number[]): Counted => {
    assert.equal(values.length, view[0] * view[1]);
    const made = { view, values, uses: 1 };
    all.push(made);
    return made;
  };
  const use = (array: Counted) => {
    assert.ok(array.uses-- > 0, "used up before");
    return array;
  };
  const spread = ({ view, values }: Counted, [rows, columns]: View) =>
    Array.from({ length: rows * columns }, (_, i) => {
      const row = view[0] === 1 ? 0 : Math.floor(i / columns);
      return values[row * view[1] + (view[1] === 1 ? 0 : i % columns)]!;
    });
  const binary = (f: (a: number, b: number) => number) => (...args: Counted[]) => {
    const [a, b] = args.map(use) as [Counted, Counted];
    const view: View = [Math.max(a.view[0], b.view[0]), Math.max(a.view[1], b.view[1])];
    const others = spread(b, view);
    return make(view, spread(a, view).map((x, i) => f(x, others[i]!)));
  };
  let longest = 0;
  const host: HostOperations<Counted> = {
    operators: { add: binary((a, b) => a + b), mul: binary((a, b) => a * b) },
    constant: (value) => make([1, 1], [value]),
    reshape: (array, view) => make(view, use(array).values),
    broadcast: (array, view) => make(view, spread(use(array), view)),
    pad(array, columns) {
      const { view: [rows, before], values } = use(array);
      const wide = before + columns;
      return make(
        [rows, wide],
        Array.from(
          { length: rows * wide },
          (_, i) => i % wide < before ? values[Math.floor(i / wide) * before + i % wide]! : 0,
        ),
      );
    },
    stack: (arrays) => make([arrays.length, 1], arrays.flatMap((array) => use(array).values)),
    sum(array) {
      const { view: [rows, columns], values } = use(array);
      longest = Math.max(longest, columns);
      const sums = Array.from(
        { length: rows },
        (_, r) => values.slice(r * columns, (r + 1) * columns).reduce((a, b) => a + b, 0),
      );
      return make([rows, 1], sums);
    },
    again(array) {
      assert.ok(array.uses > 0, "used up before");
      array.uses++;
      return array;
    },
    release: use,
  };
  return { all, make, host, longest: () => longest };
}

const { add, mul, read, scalar, sum } = expr;
const x = read("x"), row = read("row", "row"), one = read("one", "tensor");
const program = compileProgram({
  outputs: [
    { name: "x", shape: "element", value: add(mul(x, sum(x, "row")), mul(sum(x, "all"), row)) },
    // What is the same for all elements counts once for each.
    { name: "row", shape: "row", value: add(row, sum(add(one, 1), "row")) },
    {
      name: "one",
      shape: "tensor",
      value: add(sum(row, "tensor"), mul(sum(one, "all"), scalar("s"))),
    },
    { name: "constant", shape: "element", value: expr.constant(2) },
  ],
});

Deno.test("operations give what passes over arrays give, use up what they make, and sum in blocks", () => {
  // Small integers: every sum is exact.
  const { integer } = random(5);
  const draw = (n: number) => Float32Array.from({ length: n }, () => integer(17) - 8);
  const views: View[] = [[1, 1], [3, 5], [2, 700], [300, 2]];
  const sizes = ([rows, columns]: View) => ({ element: rows * columns, row: rows, tensor: 1 });
  const calls = views.map((view) => ({
    rows: view[0],
    columns: view[1],
    inputs: program.inputs.map(({ shape }) => draw(sizes(view)[shape])),
    outputs: program.outputs.map(({ shape }) => new Float32Array(sizes(view)[shape])),
    scalars: Float64Array.of(3),
  }));
  const { all, make, host, longest } = countingHost();
  const given = calls.map(({ rows, columns, inputs, scalars }) => ({
    ...{ rows, columns },
    inputs: inputs.map((values) => make([1, values.length], [...values])),
    scalar: (index: number) => host.constant(scalars[index]!),
  }));
  const found = runOperations(program, given, host);
  const expected = arrayBackend("interpreter").compile(program).run(calls);
  found.forEach((outputs, i) =>
    assert.deepEqual(
      outputs.map(({ values }) => values),
      expected[i]!.outputs.map((values) => [...values]),
    )
  );
  const owned = new Set([...found.flat(), ...given.flatMap(({ inputs }) => inputs)]);
  for (const array of all) assert.equal(array.uses, owned.has(array) ? 1 : 0);
  assert.equal(longest(), 256);
});

Deno.test("operations that a host does not have are named", () => {
  const { make, host } = countingHost();
  const root = compileProgram({
    outputs: [{ name: "x", shape: "element", value: expr.sqrt(x) }],
  });
  const call = { rows: 1, columns: 1, inputs: [make([1, 1], [4])], scalar: host.constant };
  assert.throws(() => runOperations(root, [call], host), {
    name: "TypeError",
    message: "Cannot run as operations: unknown operator sqrt",
  });
});
