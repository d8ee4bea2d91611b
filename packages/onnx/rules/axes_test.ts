import {
  type GradientCase,
  makeModel,
  makeNode,
  normal,
  testGradients,
  type Value,
} from "../_testing.ts";
import { loadGraph } from "../graph/load_graph.ts";
import type { AttributeValue } from "../model/attributes.ts";
import { ruleFor } from "./mod.ts";
import assert from "node:assert/strict";

const ints = (...data: number[]): Value => ({ dims: [data.length], data, type: 7 });

/** Squares of the result: a gradient that is linear in it makes the second order visible. */
const change = (
  opType: string,
  name: string,
  dims: readonly number[],
  given: readonly number[] | undefined,
  attributes: Record<string, AttributeValue> = {},
  more: Partial<GradientCase> & { fed?: boolean } = {},
): GradientCase => {
  const { fed = false, ...rest } = more;
  const stored = given === undefined ? {} : { axes: ints(...given) };
  return {
    name: `${opType} ${name}`,
    nodes: [
      makeNode(opType, ["x", ...Object.keys(stored)], ["z"], attributes),
      makeNode("Mul", ["z", "z"], ["y"]),
    ],
    inputs: { x: normal(1, dims), ...(fed ? stored : {}) },
    ...(fed ? {} : { initializers: stored }),
    ...rest,
  };
};

const named = { symbols: { x: ["A", 1, "B", "C"] } };

const cases: readonly GradientCase[] = [
  change("Squeeze", "of every axis of size one", [1, 3, 1, 2], undefined),
  change("Squeeze", "of one axis", [1, 3, 1], [0]),
  change("Squeeze", "of axes from the end", [1, 3, 1], [-1, 0]),
  change("Squeeze", "of unknown sizes", [2, 1, 3, 2], [1], {}, named),
  change("Squeeze", "of axes that only the run tells", [2, 1, 3, 2], undefined, {}, named),
  change("Squeeze", "of fed axes", [2, 1, 3, 2], [1], {}, { ...named, fed: true }),
  change("Squeeze", "of opset 11", [1, 3, 1], undefined, { axes: [-1] }, { opset: 11 }),
  change("Squeeze", "of opset 7", [1, 3, 1], undefined, {}, { opset: 7 }),
  change("Unsqueeze", "of two axes", [3, 2], [0, 2]),
  change("Unsqueeze", "of axes from the end", [3, 2], [-1, -3]),
  change("Unsqueeze", "of unknown sizes", [2, 1, 3, 2], [4, 0], {}, named),
  change("Unsqueeze", "of fed axes", [2, 1, 3, 2], [4, 0], {}, { ...named, fed: true }),
  change("Unsqueeze", "of opset 7", [3, 2], undefined, { axes: [1] }, { opset: 7 }),
  change("Flatten", "after the first axis", [2, 3, 2], undefined),
  change("Flatten", "of axis 0", [2, 3, 2], undefined, { axis: 0 }),
  change("Flatten", "of all axes", [2, 3, 2], undefined, { axis: 3 }),
  change("Flatten", "from the end", [2, 3, 2, 2], undefined, { axis: -2 }),
  change("Flatten", "of unknown sizes", [2, 1, 3, 2], undefined, { axis: 2 }, named),
  change("Flatten", "of opset 7", [2, 3, 2], undefined, { axis: 2 }, { opset: 7 }),
  change("Reshape", "with -1 and 0", [2, 3, 2], [0, -1]),
  change("Reshape", "of unknown sizes", [2, 1, 3, 2], [0, -1, 2], {}, named),
  change("Reshape", "to a fed shape", [2, 1, 3, 2], [4, 3], {}, { ...named, fed: true }),
  change("Reshape", "of opset 7", [2, 3], [3, 2], {}, { opset: 7 }),
  change("Expand", "of an axis of size one", [3, 1], [2, 1, 4]),
  change("Expand", "to a fed shape", [3, 1], [2, 1, 4], {}, { fed: true }),
  change("Expand", "by less than the value has", [3, 4], [1, 4]),
  change("Expand", "of opset 8", [3, 1], [3, 4], {}, { opset: 8 }),
  {
    ...change("Expand", "of unknown sizes to a fed shape", [3, 1], [2, 1, 4], {}, { fed: true }),
    symbols: { x: ["N", "D"] },
  },
];

testGradients("Changes of shape have the gradients that central differences give", cases);

const dimsAfter = (test: GradientCase) => {
  const { nodes, inputs, initializers = {}, symbols = {}, opset = 18 } = test;
  const model = makeModel({ nodes, inputs, initializers, symbols, opset, outputs: ["y"] });
  return loadGraph(model, ruleFor).b.type("z")?.dims;
};

Deno.test("Changes of shape keep symbolic sizes", () => {
  const of = (name: string) => dimsAfter(cases.find((c) => c.name === name)!);
  assert.deepEqual(of("Squeeze of unknown sizes"), ["A", "B", "C"]);
  assert.equal(of("Squeeze of axes that only the run tells"), undefined);
  assert.equal(of("Squeeze of fed axes")?.length, 3);
  assert.deepEqual(of("Unsqueeze of unknown sizes"), [1, "A", 1, "B", 1, "C"]);
  assert.equal(of("Unsqueeze of fed axes")?.length, 6);
  assert.deepEqual(of("Flatten of unknown sizes"), ["A", "B*C"]);
  assert.deepEqual(of("Reshape with -1 and 0"), [2, 6]);
  assert.deepEqual(of("Expand of an axis of size one"), [2, 3, 4]);
});

Deno.test("Changes of shape refuse axes that the value does not have", () => {
  const refused = (opType: string, dims: number[], axes: number[]) => () =>
    dimsAfter(change(opType, "", dims, axes));
  assert.throws(
    refused("Squeeze", [2, 3], [1]),
    /Cannot squeeze in Squeeze "Squeeze of z": axis 1 of shape \[2,3\] is not 1/,
  );
  assert.throws(
    refused("Squeeze", [1, 3], [2]),
    /Cannot read Squeeze "Squeeze of z": axis 2 is out of range for rank 2/,
  );
  assert.throws(
    refused("Unsqueeze", [2], [0, 0]),
    /Cannot unsqueeze in Unsqueeze "Unsqueeze of z": axes \[0,0\] repeat/,
  );
});
