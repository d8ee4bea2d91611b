import assert from "node:assert/strict";
import { loadGraph } from "../graph/load_graph.ts";
import { DataType } from "../model/data_type.ts";
import { makeModel, makeNode, normal, type Value } from "../_testing.ts";
import { gradientOf } from "./_testing.ts";
import { ruleFor } from "./mod.ts";

const x: Value = normal(1, [2, 3]);
const z: Value = normal(2, [3]);

Deno.test("Comparisons have truth values of the broadcast shape and no gradient", async (t) => {
  for (const opType of ["Equal", "Greater", "Less", "GreaterOrEqual", "LessOrEqual"]) {
    await t.step(opType, async () => {
      const nodes = [
        makeNode(opType, ["z", "x"], ["c"]),
        makeNode("Not", ["c"], ["n"]),
        makeNode("Cast", ["n"], ["f"], { to: DataType.DOUBLE }),
        makeNode("Add", ["f", "x"], ["y"]),
      ];
      const model = makeModel({ nodes, inputs: { x, z }, outputs: ["y"] });
      const { b } = loadGraph(model, ruleFor);
      assert.deepEqual(b.type("c"), { dataType: DataType.BOOL, dims: [2, 3] });
      assert.deepEqual(b.type("n"), { dataType: DataType.BOOL, dims: [2, 3] });
      const actual = await gradientOf(nodes, { x, z });
      assert.deepEqual(actual, { x: [1, 1, 1, 1, 1, 1], z: [0, 0, 0] });
    });
  }
});

Deno.test("Logic, bits and tests of numbers have their types", () => {
  const flags: Value = { dims: [2, 1], data: [0, 1], type: DataType.BOOL };
  const bits: Value = { dims: [3], data: [1, 2, 3], type: DataType.INT32 };
  const nodes = [
    ...["And", "Or", "Xor"].map((o) => makeNode(o, ["p", "q"], [o])),
    ...["IsNaN", "IsInf"].map((o) => makeNode(o, ["x"], [o])),
    ...["BitwiseAnd", "BitwiseOr", "BitwiseXor"].map((o) => makeNode(o, ["i", "i"], [o])),
    makeNode("BitwiseNot", ["i"], ["BitwiseNot"]),
    makeNode("BitShift", ["i", "i"], ["BitShift"], { direction: "LEFT" }),
  ];
  const inputs = { x, p: flags, q: { ...flags, dims: [2] }, i: bits };
  const { b } = loadGraph(makeModel({ nodes, inputs, outputs: ["And"] }), ruleFor);
  for (const name of ["And", "Or", "Xor"]) {
    assert.deepEqual(b.type(name), { dataType: DataType.BOOL, dims: [2, 2] });
  }
  for (const name of ["IsNaN", "IsInf"]) {
    assert.deepEqual(b.type(name), { dataType: DataType.BOOL, dims: [2, 3] });
  }
  for (const node of nodes.slice(5)) {
    assert.deepEqual(b.type(node.output[0]!), { dataType: DataType.INT32, dims: [3] });
    assert.equal(ruleFor(node.opType, "")!.gradient, "none");
  }
});
