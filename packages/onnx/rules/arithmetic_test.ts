import assert from "node:assert/strict";
import { loadGraph } from "../graph/load_graph.ts";
import { type GradientCase, makeModel, makeNode, normal, testGradients } from "../_testing.ts";
import { ruleFor } from "./mod.ts";

const away = (x: number) => x + Math.sign(x) * 0.5;

const binary = (opType: string, x: number[], y: number[]): GradientCase => ({
  name: `${opType} of [${x}] and [${y}]`,
  nodes: [makeNode(opType, ["a", "c"], ["y"])],
  inputs: { a: normal(1, x), c: normal(2, y, away) },
});

const cases: readonly GradientCase[] = ["Add", "Sub", "Mul", "Div"].flatMap((opType) => [
  binary(opType, [2, 3], [2, 3]),
  binary(opType, [2, 3], [3]),
  binary(opType, [1, 3], [2, 1]),
  binary(opType, [], [2, 3]),
  {
    ...binary(opType, [2, 3], [2, 1]),
    name: `${opType} where only the run tells what broadcasts`,
    symbols: { a: ["N", "M"], c: ["K", "L"] },
  },
  { ...binary(opType, [2, 3], [3]), name: `${opType} of opset 7`, opset: 7 },
  {
    name: `${opType} of a value and itself`,
    nodes: [makeNode(opType, ["a", "a"], ["y"])],
    inputs: { a: normal(1, [2, 3], away) },
  },
]);

testGradients("Arithmetic has the gradients that central differences give", cases);

Deno.test("Sizes that do not broadcast are refused by name", () => {
  const model = makeModel({
    nodes: [makeNode("Add", ["a", "c"], ["y"])],
    inputs: { a: normal(1, [2, 3]), c: normal(2, [2]) },
    outputs: ["y"],
  });
  assert.throws(
    () => loadGraph(model, ruleFor),
    /Cannot read Add "Add of y": sizes 3 and 2 do not broadcast \(shapes \[2,3\], \[2\]\)/,
  );
});
