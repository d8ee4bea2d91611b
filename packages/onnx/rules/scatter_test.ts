import {
  checkGradients,
  type GradientCase,
  makeModel,
  makeNode,
  normal,
  type Value,
} from "../_testing.ts";
import { differentiate } from "../differentiate/mod.ts";
import type { AttributeValue } from "../model/attributes.ts";
import assert from "node:assert/strict";

const index = (dims: readonly number[], ...data: number[]): Value => ({ dims, data, type: 7 });

/** Squares of the result: a gradient that is linear in it makes the second order visible. */
const put = (
  opType: string,
  name: string,
  [data, indices, updates]: readonly [readonly number[], Value, readonly number[]],
  attributes: Record<string, AttributeValue> = {},
  more: Partial<GradientCase> = {},
): GradientCase => ({
  name: `${opType} ${name}`,
  nodes: [
    makeNode(opType, ["x", "i", "u"], ["z"], attributes),
    makeNode("Mul", ["z", "z"], ["y"]),
  ],
  inputs: { x: normal(1, data), i: indices, u: normal(2, updates) },
  ...more,
});

const elements = [[3, 4], index([2, 3], 0, 2, 1, -1, 0, 0), [2, 3]] as const;
const repeated = [[3, 4], index([2, 3], 0, 2, 1, 0, -1, 1), [2, 3]] as const;
const rows = [[4, 3], index([2, 1], 2, -4), [2, 3]] as const;
const twice = [[4, 3], index([2, 2, 1], 2, -4, 2, 2), [2, 2, 3]] as const;
const add = { reduction: "add" };

const cases: readonly GradientCase[] = [
  put("ScatterElements", "replacing", elements),
  put("ScatterElements", "replacing along the last axis", [[3, 4], index([1, 2], 3, 0), [1, 2]], {
    axis: -1,
  }),
  put("ScatterElements", "adding", repeated, add),
  put("ScatterElements", "adding along the last axis", repeated, { ...add, axis: 1 }),
  put("ScatterElements", "with fixed data", elements, {}, { fixed: ["x"] }),
  put("ScatterElements", "with fixed updates", elements, {}, { fixed: ["u"] }),
  put("ScatterElements", "of unknown sizes", elements, {}, {
    symbols: { x: ["N", "D"], i: ["A", "B"], u: ["A", "B"] },
  }),
  put("ScatterElements", "of opset 11", elements, {}, { opset: 11 }),
  put("Scatter", "of opset 10", elements, {}, { opset: 10 }),
  put("ScatterND", "replacing rows", rows),
  put("ScatterND", "replacing elements", [[4, 3], index([2, 2], 2, 1, 0, -1), [2]]),
  put("ScatterND", "adding rows", twice, add),
  put("ScatterND", "with fixed updates", rows, {}, { fixed: ["u"] }),
  put("ScatterND", "of unknown sizes", twice, add, {
    symbols: { x: ["N", "D"], i: ["A", "B", 1], u: ["A", "B", "D"] },
  }),
  put("ScatterND", "of opset 11", rows, {}, { opset: 11 }),
];

Deno.test("Putting by index has the gradients that central differences give", async (t) => {
  for (const test of cases) await t.step(test.name, () => checkGradients(test));
});

Deno.test("Putting by index with another reduction is refused", () => {
  for (const opType of ["ScatterElements", "ScatterND"]) {
    const [x, i, u] = opType === "ScatterND" ? rows : elements;
    const model = makeModel({
      nodes: [
        makeNode(opType, ["x", "i", "u"], ["z"], { reduction: "max" }),
        makeNode("ReduceSum", ["z"], ["loss"], { keepdims: 0 }),
      ],
      inputs: { x: normal(1, x), i, u: normal(2, u) },
      outputs: ["loss"],
    });
    assert.throws(
      () => differentiate(model, { output: "loss", trainable: ["x"] }),
      new RegExp(`Cannot differentiate ${opType} "${opType} of z": reduction "max" has no rule`),
    );
  }
});
