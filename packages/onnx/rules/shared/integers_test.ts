import assert from "node:assert/strict";
import type { Dim } from "../../graph/dims.ts";
import { loadGraph } from "../../graph/load_graph.ts";
import { DataType } from "../../model/data_type.ts";
import { makeModel, makeNode, normal, type Value } from "../../_testing.ts";
import { ruleFor } from "../mod.ts";

// Shape of x is [N, M]; s = [N, M] as a value.
const shapes: readonly [string, string, (Dim | number)[]][] = [
  ["Add", "s s2", ["(1+N)", "(2+M)"]],
  ["Add", "s s", ["2*N", "2*M"]],
  ["Sub", "s s", [0, 0]],
  ["Mul", "s s2", ["N", "2*M"]],
  ["Div", "s s2", ["N", "(M/2)"]],
  ["Equal", "s s", [1, 1]],
  ["Equal", "s minus", [0, 0]],
  ["Greater", "s minus", [1, 1]],
  ["Less", "s minus", [0, 0]],
  ["GreaterOrEqual", "s s", [1, 1]],
  ["LessOrEqual", "s minus", [0, 0]],
  ["Neg", "s2", [-1, -2]],
  ["Abs", "minus", [1]],
  ["Mod", "seven minusThree", [-2]],
  ["Max", "s2 minus", [1, 2]],
  ["Min", "s2 minus seven", [-1, -1]],
];

Deno.test("Shape arithmetic passes through elementwise operators", async (t) => {
  const int = (...data: number[]): Value => ({ dims: [data.length], data, type: DataType.INT64 });
  const known = (nodes: ReturnType<typeof makeNode>[]) => {
    const model = makeModel({
      nodes: [makeNode("Shape", ["x"], ["s"]), ...nodes],
      inputs: { x: normal(1, [2, 3]) },
      symbols: { x: ["N", "M"] },
      initializers: { s2: int(1, 2), minus: int(-1), seven: int(7), minusThree: int(-3) },
      outputs: ["y"],
    });
    return loadGraph(model, ruleFor).b.known("y");
  };
  for (const [opType, inputs, expected] of shapes) {
    await t.step(`${opType} of ${inputs}`, () => {
      assert.deepEqual(known([makeNode(opType, inputs.split(" "), ["y"])]), expected);
    });
  }
  await t.step("what cannot be told is not known", () => {
    for (const [opType, inputs] of [["Equal", "s s2"], ["Sub", "s s2"], ["Greater", "s s2"]]) {
      assert.equal(known([makeNode(opType!, inputs!.split(" "), ["y"])]), undefined);
    }
  });
  // PyTorch exports `expand(-1, …)` so.
  await t.step("Where of Equal and Cast", () => {
    const nodes = [
      makeNode("Equal", ["s", "minus"], ["c"]),
      makeNode("Where", ["c", "s2", "s"], ["w"]),
      makeNode("Cast", ["w"], ["y"], { to: DataType.INT32 }),
    ];
    assert.deepEqual(known(nodes), ["N", "M"]);
  });
  await t.step("division by 0 is not followed", () => {
    assert.equal(
      known([makeNode("Sub", ["minus", "minus"], ["o"]), makeNode("Div", ["seven", "o"], ["y"])]),
      undefined,
    );
    assert.equal(
      known([makeNode("Sub", ["minus", "minus"], ["o"]), makeNode("Mod", ["seven", "o"], ["y"])]),
      undefined,
    );
  });
  await t.step("what is repeated does not grow without bound", () => {
    const repeated = (opType: string) =>
      Array.from({ length: 60 }, (_, k) => {
        const from = k === 0 ? "s" : `v${k - 1}`;
        return [
          makeNode("Add", [from, "s2"], [`more${k}`]),
          makeNode(opType, [`more${k}`, from], [k === 59 ? "y" : `v${k}`]),
        ];
      }).flat();
    for (const opType of ["Add", "Mul"]) assert.equal(known(repeated(opType)), undefined);
    const squares = Array.from({ length: 60 }, (_, k) => {
      const from = k === 0 ? "s" : `v${k - 1}`;
      return makeNode("Mul", [from, from], [k === 59 ? "y" : `v${k}`]);
    });
    assert.equal(known(squares), undefined);
  });
});
