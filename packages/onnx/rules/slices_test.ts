import { type GradientCase, makeModel, makeNode, normal, testGradients } from "../_testing.ts";
import { loadGraph } from "../graph/load_graph.ts";
import { ruleFor } from "./mod.ts";
import assert from "node:assert/strict";

const FAR = Number.MAX_SAFE_INTEGER;
const ints = (...data: number[]) => ({ dims: [data.length], data, type: 7 });

interface Cuts {
  readonly starts: number[];
  readonly ends: number[];
  readonly axes?: number[];
  readonly steps?: number[];
}

/** Squares of the slice: a gradient that is linear in it makes the second order visible. */
const slice = (
  name: string,
  { starts, ends, axes, steps }: Cuts,
  more: Partial<GradientCase> & { fed?: boolean } = {},
): GradientCase => {
  const { fed = false, ...rest } = more;
  const given = {
    starts: ints(...starts),
    ends: ints(...ends),
    ...(axes === undefined ? {} : { axes: ints(...axes) }),
    ...(steps === undefined ? {} : { steps: ints(...steps) }),
  };
  const has = (key: string) => key in given ? key : "";
  return {
    name: fed ? `${name}, computed in the graph` : name,
    nodes: [
      makeNode("Slice", ["x", "starts", "ends", has("axes"), has("steps")], ["z"]),
      makeNode("Mul", ["z", "z"], ["y"]),
    ],
    ...rest,
    inputs: { x: normal(1, [4, 5, 3]), ...rest.inputs, ...(fed ? given : {}) },
    ...(fed ? {} : { initializers: given }),
  };
};

const named = { symbols: { x: ["N", "T", "D"] } };
const variants: readonly [string, Cuts][] = [
  ["Slice of one axis", { starts: [1], ends: [3], axes: [1] }],
  ["Slice without axes", { starts: [1, 0], ends: [3, FAR] }],
  ["Slice from the end", { starts: [-3], ends: [-1], axes: [-2] }],
  ["Slice beyond the ends", { starts: [-99, 2], ends: [99, 99], axes: [0, 1] }],
  ["Slice of everything", { starts: [0], ends: [FAR], axes: [1] }],
  ["Slice with step 2", { starts: [1], ends: [FAR], axes: [1], steps: [2] }],
  ["Slice with step 3 that ends between", { starts: [0], ends: [4], axes: [1], steps: [3] }],
  ["Slice with steps along two axes", {
    starts: [0, 1],
    ends: [4, 5],
    axes: [0, 1],
    steps: [2, 3],
  }],
  ["Slice of one element with an endless step", {
    starts: [1],
    ends: [FAR],
    axes: [1],
    steps: [2 ** 31 - 1],
  }],
  ["Slice that reverses", { starts: [-1], ends: [-FAR], axes: [1], steps: [-1] }],
  ["Slice that reverses a part", { starts: [3], ends: [0], axes: [1], steps: [-1] }],
  ["Slice with step -2", { starts: [99], ends: [-99], axes: [1], steps: [-2] }],
  ["Slice with steps in both directions", {
    starts: [3, 0],
    ends: [-99, 5],
    axes: [0, 1],
    steps: [-3, 2],
  }],
];

const cases: readonly GradientCase[] = [
  ...variants.map(([name, cuts]) => slice(name, cuts)),
  ...variants.map(([name, cuts]) => slice(`${name}, of unknown sizes`, cuts, named)),
  slice(variants[1]![0], variants[1]![1], { fed: true }),
  slice(variants[7]![0], variants[7]![1], { fed: true }),
  slice(variants[11]![0], variants[11]![1], { fed: true, ...named }),
  slice("Slice of nothing", { starts: [3], ends: [2], axes: [1] }),
  slice(
    "Slice of nothing, of unknown sizes",
    { starts: [3], ends: [2], axes: [1], steps: [2] },
    named,
  ),
  slice("Slice of a vector", { starts: [1], ends: [3] }, { inputs: { x: normal(1, [5]) } }),
  slice("Slice of opset 10", variants[4]![1], { opset: 10 }),
  {
    ...slice("Slice of opset 9, whose cuts are attributes", { starts: [], ends: [] }),
    nodes: [
      makeNode("Slice", ["x"], ["z"], { starts: [1, -2], ends: [3, FAR], axes: [0, 1] }),
      makeNode("Mul", ["z", "z"], ["y"]),
    ],
    initializers: {},
    opset: 9,
  },
  {
    name: "Slice of a table up to the length of another value",
    nodes: [
      makeNode("Shape", ["h"], ["shape"]),
      makeNode("Slice", ["shape", "one", "two"], ["length"]),
      makeNode("Slice", ["table", "zero", "length", "zero"], ["rows"]),
      makeNode("Mul", ["rows", "h"], ["y"]),
    ],
    inputs: { table: normal(1, [6, 4]), h: normal(2, [2, 3, 4]) },
    initializers: { zero: ints(0), one: ints(1), two: ints(2) },
    symbols: { h: ["N", "T", 4] },
  },
];

testGradients("Slice has the gradient that central differences give", cases);

const dimsAfter = ({ nodes, inputs, initializers = {}, symbols = {} }: GradientCase) =>
  loadGraph(makeModel({ nodes, inputs, initializers, symbols, outputs: [] }), ruleFor).b.dims("z");

Deno.test("Slice keeps the sizes that it does not change", () => {
  const after = (cuts: Cuts) => dimsAfter(slice("", cuts, { symbols: { x: ["N", "T", 3] } }));
  assert.deepEqual(after({ starts: [0], ends: [FAR], axes: [1] }), ["N", "T", 3]);
  assert.deepEqual(after({ starts: [-1], ends: [-FAR], axes: [1], steps: [-1] }), ["N", "T", 3]);
  assert.deepEqual(after({ starts: [-2], ends: [FAR], axes: [2] }), ["N", "T", 2]);
  const [, cut] = after({ starts: [1], ends: [FAR], axes: [1] });
  assert.notEqual(cut, "T", "one less");
  const [, first] = after({ starts: [0], ends: [4], axes: [1] });
  assert.equal(typeof first, "string", "4, or less where T is less");
});

Deno.test("Slice has the lengths that NumPy gives", () => {
  // Every start, end and step around a size of 4, against counting the indices.
  for (let start = -6; start <= 6; start++) {
    for (let end = -6; end <= 6; end++) {
      for (const step of [1, 2, 3, -1, -2]) {
        const clamp = (i: number, low: number, high: number) => Math.min(Math.max(i, low), high);
        const from = (i: number) => i < 0 ? i + 4 : i;
        let length = 0;
        if (step > 0) {
          for (let i = clamp(from(start), 0, 4); i < clamp(from(end), 0, 4); i += step) length++;
        } else {
          for (let i = clamp(from(start), 0, 3); i > clamp(from(end), -1, 3); i += step) length++;
        }
        const cuts = { starts: [start], ends: [end], axes: [0], steps: [step] };
        assert.equal(dimsAfter(slice("", cuts))[0], length, `${start}:${end}:${step}`);
      }
    }
  }
});

Deno.test("Slice refuses a step of 0 and more starts than axes", () => {
  assert.throws(
    () => dimsAfter(slice("", { starts: [0], ends: [1], axes: [0], steps: [0] })),
    /Cannot read Slice "Slice of z": a step is 0/,
  );
  assert.throws(
    () => dimsAfter(slice("", { starts: [0, 0, 0, 0], ends: [1, 1, 1, 1] })),
    /Cannot read Slice "Slice of z": 4 starts for rank 3/,
  );
});
