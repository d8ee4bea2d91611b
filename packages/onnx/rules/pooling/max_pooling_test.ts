import assert from "node:assert/strict";
import { assemble } from "../../differentiate/growth.ts";
import { differentiate } from "../../differentiate/differentiate.ts";
import { backpropagate } from "../../differentiate/reverse.ts";
import { loadGraph } from "../../graph/load_graph.ts";
import { DataType } from "../../model/data_type.ts";
import {
  compare,
  distinct,
  makeModel,
  makeNode,
  normal,
  runModel,
  testGradients,
  type Value,
} from "../../_testing.ts";
import { trainingKernel } from "../_testing.ts";
import { maxPoolByComparison } from "./max_pooling.ts";
import { ruleFor } from "../mod.ts";
import type { OperatorRule } from "../../graph/rule.ts";

interface PoolCase {
  readonly name: string;
  readonly x: number[];
  readonly attributes: Record<string, number | number[] | string>;
  readonly opset?: number;
  readonly symbols?: (number | string)[];
  /** Not for a provider without Indices. */
  readonly needsIndices?: boolean;
}

const cases: readonly PoolCase[] = [
  { name: "1-d, side by side", x: [2, 3, 8], attributes: { kernel_shape: [2], strides: [2] } },
  {
    name: "2-d, side by side",
    x: [2, 3, 4, 6],
    attributes: { kernel_shape: [2, 3], strides: [2, 3] },
  },
  {
    name: "3-d, side by side",
    x: [1, 2, 4, 2, 4],
    attributes: { kernel_shape: [2, 2, 2], strides: [2, 2, 2] },
  },
  {
    name: "side by side, of opset 7",
    x: [2, 3, 4, 6],
    attributes: { kernel_shape: [2, 3], strides: [2, 3] },
    opset: 7,
  },
  {
    name: "side by side, with points left over",
    x: [2, 2, 5, 7],
    attributes: { kernel_shape: [2, 2], strides: [2, 2] },
  },
  {
    name: "side by side, with ceil_mode",
    x: [2, 2, 5, 7],
    attributes: { kernel_shape: [2, 2], strides: [2, 2], ceil_mode: 1 },
  },
  {
    name: "side by side, with pads",
    x: [2, 2, 5, 6],
    attributes: { kernel_shape: [2, 2], strides: [2, 2], pads: [1, 0, 0, 0] },
  },
  {
    name: "side by side, a batch of unknown size",
    x: [2, 2, 4, 6],
    attributes: { kernel_shape: [2, 2], strides: [2, 2] },
    symbols: ["N", 2, 4, 6],
  },
  {
    name: "side by side, images of unknown size",
    x: [2, 2, 4, 6],
    attributes: { kernel_shape: [2, 2], strides: [2, 2] },
    symbols: ["N", 2, "H", "W"],
  },
  { name: "overlapping", x: [2, 2, 6, 5], attributes: { kernel_shape: [3, 2] } },
  {
    name: "overlapping, with strides and pads",
    x: [2, 2, 7, 6],
    attributes: { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] },
  },
  { name: "overlapping, 1-d", x: [2, 2, 9], attributes: { kernel_shape: [3], strides: [2] } },
  {
    name: "overlapping, 3-d",
    x: [1, 2, 4, 3, 4],
    attributes: { kernel_shape: [2, 2, 3], pads: [0, 0, 1, 0, 0, 1] },
  },
  {
    name: "with gaps between windows",
    x: [2, 2, 8, 7],
    attributes: { kernel_shape: [2, 2], strides: [3, 4] },
  },
  {
    name: "with dilations",
    x: [2, 2, 7, 8],
    attributes: { kernel_shape: [2, 3], dilations: [3, 2], strides: [1, 2], pads: [1, 1, 1, 1] },
  },
  {
    name: "overlapping, with ceil_mode",
    x: [2, 2, 6, 8],
    attributes: { kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1 },
  },
  {
    name: "with auto_pad SAME_UPPER",
    x: [2, 2, 6, 5],
    attributes: { kernel_shape: [3, 2], strides: [2, 2], auto_pad: "SAME_UPPER" },
  },
  {
    name: "with auto_pad SAME_LOWER",
    x: [2, 2, 6, 5],
    attributes: { kernel_shape: [3, 2], strides: [2, 2], auto_pad: "SAME_LOWER" },
  },
  {
    name: "overlapping, images of unknown size",
    x: [2, 2, 7, 6],
    attributes: { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] },
    symbols: ["N", 2, "H", "W"],
  },
  {
    name: "with auto_pad SAME_UPPER, images of unknown size",
    x: [2, 2, 6, 5],
    attributes: { kernel_shape: [3, 2], strides: [2, 2], auto_pad: "SAME_UPPER" },
    symbols: ["N", 2, "H", "W"],
    needsIndices: true,
  },
];

/** Few different numbers, so that most windows hold their maximum several times. */
const tied = (seed: number, dims: readonly number[]): Value => ({
  ...normal(seed, dims, (x) => Math.max(0, Math.round(x))),
  type: DataType.FLOAT,
});

const node = (test: PoolCase, inputs = ["x"], outputs = ["t"]) =>
  makeNode("MaxPool", inputs, outputs, test.attributes);

// The square gives the second order something to find: MaxPool itself is piecewise linear.
const nodes = (test: PoolCase) => [node(test), makeNode("Mul", ["t", "t"], ["y"])];

testGradients(
  "MaxPool has the gradients that central differences give",
  cases.flatMap((test) =>
    (["double", "float"] as const).map((precision) => ({
      name: `${test.name}, in ${precision}`,
      nodes: nodes(test),
      inputs: { x: distinct(1, test.x, 0.4) },
      precision,
      // 0.4 apart, elements keep their order along a random direction.
      ...(precision === "double" ? { step: 1e-3 } : { step: 0.02, tolerance: 1e-3 }),
      ...(test.opset === undefined || (precision === "double") ? {} : { opset: test.opset }),
      ...(test.symbols === undefined ? {} : { symbols: { x: test.symbols } }),
    }))
  ),
);

/** dx for a given dy, by the rule given for MaxPool. */
async function gradientBy(rule: OperatorRule | undefined, test: PoolCase, x: Value, dy: Value) {
  const model = makeModel({
    nodes: [node(test)],
    inputs: { x, dy },
    outputs: ["t"],
    ...(test.symbols === undefined ? {} : { symbols: { x: test.symbols } }),
  });
  const lookup = (opType: string, domain: string) =>
    opType === "MaxPool" && rule !== undefined ? rule : ruleFor(opType, domain);
  const graph = loadGraph(model, lookup);
  const { b } = graph;
  const dx = backpropagate(b, lookup, new Map([["t", "dy"]]), ["x"]).get("x")!;
  const result = assemble(model, graph, { added: [], outputs: [dx], fed: [] });
  return { dx: (await runModel(result, { x, dy }))[dx]!.data, nodes: result.graph!.node };
}

Deno.test("MaxPool gives the gradient to the first maximum, as ONNX Runtime's kernel does", async (t) => {
  for (const test of cases) {
    await t.step(test.name, async () => {
      const x = tied(5, test.x);
      const forward = await runModel(
        makeModel({ nodes: [node(test, ["x"], ["t", "i"])], inputs: { x }, outputs: ["t", "i"] }),
        { x },
      );
      const dy: Value = { ...normal(4, forward["t"]!.dims), type: DataType.FLOAT };
      const indices: Value = { ...forward["i"]!, type: DataType.INT64 };
      const { dx: expected } = await trainingKernel("MaxPoolGrad", { dy, i: indices }, ["dx"], {
        attributes: test.attributes,
        domain: "",
        dims: test.x,
      });
      const found = await gradientBy(undefined, test, x, dy);
      compare(found.dx, expected!, 1e-6, test.name);
      if (test.needsIndices) return;
      const portable = await gradientBy(maxPoolByComparison, test, x, dy);
      compare(portable.dx, expected!, 1e-6, `${test.name}, without Indices`);
      assert.ok(
        portable.nodes.every((n) => n.opType !== "MaxPool" || n.output.length === 1),
        "no MaxPool with Indices",
      );
    });
  }
});

// ONNX Runtime's ScatterElements adds no float16 on the CPU: the gradient must not need it to.
Deno.test("MaxPool is differentiated in float16", async () => {
  const x: Value = { ...distinct(1, [1, 2, 7, 7], 0.25), type: DataType.FLOAT };
  const gradientIn = async (to: DataType) => {
    const model = makeModel({
      nodes: [
        makeNode("Cast", ["x"], ["c"], { to }),
        makeNode("MaxPool", ["c"], ["t"], { kernel_shape: [3, 3], strides: [2, 2] }),
        makeNode("Cast", ["t"], ["y"], { to: DataType.FLOAT }),
        makeNode("ReduceSum", ["y"], ["loss"], { keepdims: 0 }),
      ],
      inputs: { x },
      outputs: ["loss"],
    });
    const found = differentiate(model, { output: "loss", trainable: ["x"] });
    return (await runModel(found.model, { x }))[found.gradients.get("x")!]!.data;
  };
  // Counts of windows: exact in float16.
  assert.deepEqual(await gradientIn(DataType.FLOAT16), await gradientIn(DataType.FLOAT));
});
