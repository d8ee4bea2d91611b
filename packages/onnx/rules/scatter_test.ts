import {
  checkGradients,
  distinct,
  type GradientCase,
  makeModel,
  makeNode,
  normal,
  runModel,
  testGradients,
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

testGradients("Putting by index has the gradients that central differences give", cases);

/** Every fourth number 0: alone in a product, and two in one. */
const withZeros = (seed: number, dims: readonly number[]): Value => {
  const { data } = normal(seed, dims);
  return { dims, data: data.map((x, i) => i % 4 === 0 ? 0 : x) };
};
/** What meets in one place is 0.1 apart, which no step of the differences closes. */
const apart = (seed: number, dims: readonly number[], from: number): Value => {
  const { data } = distinct(seed, dims, 0.2);
  return { dims, data: data.map((x) => x + from) };
};

const elementsIn = [index([2, 3], 0, 2, 1, 0, -1, 1), index([4, 2], 1, 0, 1, 1, -3, 1, 1, 0)];
const rowsIn = index([2, 2, 1], 2, -4, 2, 2);
const pointsIn = index([5, 2], 1, 2, -3, -1, 0, 0, 1, 2, 1, 2);

const meet = (
  reduction: string,
  of: (seed: number, dims: readonly number[], from: number) => Value,
): readonly GradientCase[] => {
  const reduce = (
    opType: string,
    name: string,
    dims: readonly number[],
    i: Value,
    width: readonly number[] = [],
    { axis, ...more }: Partial<GradientCase> & { axis?: number } = {},
  ): GradientCase => {
    const u = opType === "ScatterND" ? [...i.dims.slice(0, -1), ...width] : i.dims;
    const attributes = { reduction, ...(axis === undefined ? {} : { axis }) };
    return put(opType, `${reduction} ${name}`, [dims, i, u], attributes, {
      inputs: { x: of(3, dims, 0.05), i, u: of(4, u, 0) },
      ...more,
    });
  };
  const [few, many] = elementsIn as [Value, Value];
  return [
    reduce("ScatterElements", "along rows", [3, 4], few),
    reduce("ScatterElements", "along the last axis", [2, 3], few, [], { axis: -1 }),
    reduce("ScatterElements", "of four in one place", [3, 2], many),
    reduce("ScatterElements", "in a vector", [3], index([7], 1, 1, 1, 0, 1, -2, 1)),
    reduce(
      "ScatterElements",
      "of many updates",
      [3],
      index([23], ...Array.from({ length: 23 }, (_, k) => (k * k + (k >> 2)) % 3)),
    ),
    reduce("ScatterElements", "of one update", [3], index([1], -1)),
    reduce("ScatterElements", "of three axes", [2, 3, 2], index([1, 3, 2], 1, 1, 0, 1, 1, 1), [], {
      axis: 1,
    }),
    reduce("ScatterElements", "with fixed updates", [3, 4], few, [], { fixed: ["u"] }),
    reduce("ScatterElements", "with fixed data", [3, 4], few, [], { fixed: ["x"] }),
    reduce("ScatterElements", "with int32 indices", [3, 4], { ...few, type: 6 }),
    reduce("ScatterElements", "of unknown sizes", [3, 4], few, [], {
      symbols: { x: ["N", "D"], i: ["A", "B"], u: ["A", "B"] },
    }),
    reduce("ScatterElements", "of unknown sizes on the last axis", [2, 3], few, [], {
      axis: 1,
      symbols: { x: ["N", "D"], i: ["A", "B"], u: ["A", "B"] },
    }),
    reduce("ScatterND", "of rows", [4, 3], rowsIn, [3]),
    reduce("ScatterND", "of elements", [3, 3], pointsIn),
    reduce("ScatterND", "of blocks", [2, 2, 2], index([3, 1], 1, -1, 1), [2, 2]),
    reduce("ScatterND", "of unknown sizes", [4, 3], rowsIn, [3], {
      symbols: { x: ["N", "D"], i: ["A", "B", 1], u: ["A", "B", "D"] },
    }),
    reduce("ScatterND", "of elements of unknown sizes", [3, 3], pointsIn, [], {
      symbols: { x: ["N", "D"], i: ["A", 2], u: ["A"] },
    }),
  ];
};

const older = put("ScatterElements", "multiplying in opset 16", repeated, { reduction: "mul" }, {
  opset: 16,
});

Deno.test("Multiplying by index has the gradients of differences, at zeros too", async (t) => {
  for (const [of, what] of [[normal, ""], [withZeros, ", some zero"]] as const) {
    for (const test of meet("mul", (seed, dims) => of(seed, dims))) {
      await t.step(test.name + what, () => checkGradients(test));
    }
  }
  await t.step(older.name, () => checkGradients(older));
});

Deno.test("The larger and the smaller by index have the gradients of differences", async (t) => {
  for (const reduction of ["max", "min"]) {
    for (const test of meet(reduction, apart)) {
      await t.step(test.name, () => checkGradients(test));
    }
  }
});

Deno.test("Equal candidates of a maximum by index share its gradient evenly", async () => {
  for (const [reduction, sign] of [["max", 1], ["min", -1]] as const) {
    const of = (...data: number[]): Value => ({
      dims: [data.length],
      data: data.map((x) => sign * x),
    });
    const model = makeModel({
      nodes: [
        makeNode("ScatterElements", ["x", "i", "u"], ["z"], { reduction }),
        makeNode("Mul", ["z", "w"], ["weighted"]),
        makeNode("ReduceSum", ["weighted"], ["loss"], { keepdims: 0 }),
      ],
      // 3 is met by 3 and 3, 1 is passed by 2 and 2, nothing meets 5, and 1 does not pass 4.
      inputs: {
        x: of(3, 1, 5, 4),
        i: index([6], 0, 1, 0, 1, -1, 1),
        u: of(3, 2, 3, 2, 1, 0),
        w: { dims: [4], data: [6, 8, 10, 12] },
      },
      outputs: ["loss"],
    });
    const inputs = ["x", "u"];
    const { model: gradient } = differentiate(model, { output: "loss", trainable: inputs });
    const found = await runModel(gradient, {
      x: of(3, 1, 5, 4),
      i: index([6], 0, 1, 0, 1, -1, 1),
      u: of(3, 2, 3, 2, 1, 0),
      w: { dims: [4], data: [6, 8, 10, 12] },
    });
    assert.deepEqual(found["x_grad"]!.data, [2, 0, 10, 12], reduction);
    assert.deepEqual(found["u_grad"]!.data, [2, 4, 2, 4, 0, 0], reduction);
  }
});

Deno.test("Putting by index with an unknown reduction is refused", () => {
  for (const opType of ["ScatterElements", "ScatterND"]) {
    const [x, i, u] = opType === "ScatterND" ? rows : elements;
    const model = makeModel({
      nodes: [
        makeNode(opType, ["x", "i", "u"], ["z"], { reduction: "mean" }),
        makeNode("ReduceSum", ["z"], ["loss"], { keepdims: 0 }),
      ],
      inputs: { x: normal(1, x), i, u: normal(2, u) },
      outputs: ["loss"],
    });
    assert.throws(
      () => differentiate(model, { output: "loss", trainable: ["x"] }),
      new RegExp(`Cannot differentiate ${opType} "${opType} of z": reduction "mean" is not known`),
    );
  }
});

Deno.test("Coordinates of an unknown number are refused", () => {
  const variants = [
    ["ScatterND", ["x", "i", "u"], { reduction: "mul" }],
    ["GatherND", ["x", "i"], {}],
  ] as const;
  for (const [opType, inputs, attributes] of variants) {
    const model = makeModel({
      nodes: [
        makeNode(opType, inputs, ["z"], attributes),
        makeNode("ReduceSum", ["z"], ["loss"], { keepdims: 0 }),
      ],
      inputs: { x: normal(1, [3, 3]), i: pointsIn, u: normal(2, [5]) },
      symbols: { i: ["A", "B"] },
      outputs: ["loss"],
    });
    assert.throws(
      () => differentiate(model, { output: "loss", trainable: ["x", "u"] }),
      new RegExp(
        `Cannot differentiate ${opType} "${opType} of z": how many coordinates its indices`,
      ),
    );
  }
});
