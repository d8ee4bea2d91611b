import assert from "node:assert/strict";
import { differentiate } from "../../differentiate/differentiate.ts";
import { float } from "../../model/attributes.ts";
import { liveNodes } from "../../graph/topology.ts";
import { DataType } from "../../model/data_type.ts";
import { tensorData, tensorDims } from "../../model/tensor.ts";
import type { TensorProto } from "../../proto/onnx_pb.ts";
import {
  checkGradients,
  compare,
  type GradientCase,
  makeModel,
  makeNode,
  normal,
  runModel,
  testGradients,
} from "../../_testing.ts";

const { FLOAT } = DataType;
const epsilon = float(0.1);
/** Away from 0, where |x| has a kink. */
const away = (x: number) => x + Math.sign(x) * 0.2;

// float32 alone: differences with steps of 0.05 carry 6e-8 / 0.05 times a few terms.
const inFloat = { precision: "float", step: 0.05, tolerance: 1e-3 } as const;

const instance = (name: string, dims: number[], rest: Partial<GradientCase> = {}) => ({
  name: `InstanceNormalization ${name}`,
  nodes: [makeNode("InstanceNormalization", ["x", "s", "c"], ["y"], { epsilon })],
  inputs: { x: normal(1, dims), s: normal(2, [dims[1]!]), c: normal(3, [dims[1]!]) },
  ...inFloat,
  ...rest,
});

const group = (opset: number, name: string, dims: number[], rest: Partial<GradientCase> = {}) => {
  const size = opset < 21 ? 2 : dims[1]!;
  return {
    name: `GroupNormalization of opset ${opset} ${name}`,
    nodes: [
      makeNode("GroupNormalization", ["x", "s", "c"], ["y"], {
        num_groups: 2,
        epsilon,
      }),
    ],
    inputs: { x: normal(1, dims), s: normal(2, [size]), c: normal(3, [size]) },
    opset,
    ...rest,
  };
};

const lp = (
  name: string,
  attributes: Record<string, number>,
  rest: Partial<GradientCase> = {},
) => ({
  name: `LpNormalization ${name}`,
  nodes: [makeNode("LpNormalization", ["x"], ["y"], attributes)],
  inputs: { x: normal(1, [2, 3, 4], away) },
  ...rest,
});

const cases: readonly GradientCase[] = [
  instance("of an image", [2, 3, 2, 2]),
  instance("of a sequence of unknown length", [2, 3, 4], { symbols: { x: ["N", 3, "T"] } }),
  instance("of opset 7", [2, 3, 4], { opset: 7 }),
  ...[18, 21].flatMap((opset) => [
    group(opset, "in float32", [2, 4, 3], inFloat),
    group(opset, "in float32, with unknown sizes", [2, 4, 2, 2], {
      ...inFloat,
      symbols: { x: ["N", 4, "H", "W"] },
    }),
  ]),
  lp("by the 2-norm", {}),
  lp("by the 1-norm along axis 1", { p: 1, axis: 1 }),
  lp("of unknown sizes", { axis: 0 }, { symbols: { x: ["N", "T", "C"] } }),
  lp("of opset 7", { p: 2 }, { opset: 7 }),
];

testGradients("Normalizations have the gradients that central differences give", cases);

/** A model over double or float32 whose nodes are rewritten on loading, with a scalar output. */
function rewritten(node: ReturnType<typeof makeNode>, inputs: GradientCase["inputs"], opset = 18) {
  return makeModel({
    nodes: [node, makeNode("ReduceSum", ["y"], ["sum"], { keepdims: 0 })],
    inputs,
    outputs: ["y", "sum"],
    opset,
  });
}

Deno.test("GroupNormalization in double is written out and has exact gradients", async (t) => {
  for (const opset of [18, 21]) {
    await t.step(`opset ${opset}`, async () => {
      // The rewritten graph is the function itself here: the kernel's own is float32 inside.
      const { nodes, inputs } = group(opset, "", [2, 4, 3]);
      const model = rewritten(nodes[0]!, inputs, opset);
      const { model: plain } = differentiate(model, { output: "sum", trainable: ["x"] });
      const graph = plain.graph!;
      await checkGradients({
        name: "GroupNormalization written out",
        nodes: liveNodes(graph.node, ["y"]),
        inputs,
        initializers: Object.fromEntries(graph.initializer.map((t) => [t.name, valueOf(t)])),
        opset,
      });
    });
  }
});

/** A stored tensor as a value of a test. */
const valueOf = (t: TensorProto) => ({
  dims: tensorDims(t),
  data: Array.from(tensorData(t) as ArrayLike<number | bigint>, Number),
  type: t.dataType,
});

Deno.test("What is rewritten on loading computes the same", async (t) => {
  const x = { ...normal(1, [2, 4, 2, 3]), type: FLOAT };
  const vector = (seed: number, size: number) => ({ ...normal(seed, [size]), type: FLOAT });
  const of = (opset: number, size: number) => ({
    node: makeNode("GroupNormalization", ["x", "s", "c"], ["y"], { num_groups: 2 }),
    inputs: { x, s: vector(2, size), c: vector(3, size) },
    opset,
  });
  for (
    const { node, inputs, opset } of [
      of(18, 2),
      of(21, 4),
      { node: makeNode("MeanVarianceNormalization", ["x"], ["y"]), inputs: { x }, opset: 13 },
      {
        node: makeNode("MeanVarianceNormalization", ["x"], ["y"], { axes: [1] }),
        inputs: { x },
        opset: 9,
      },
    ]
  ) {
    await t.step(`${node.opType} of opset ${opset}`, async () => {
      const model = rewritten(node, inputs, opset);
      const result = differentiate(model, { output: "sum", trainable: ["x"] });
      assert.ok(result.model.graph!.node.every((n) => n.opType !== node.opType));
      const [theirs, ours] = [await runModel(model, inputs), await runModel(result.model, inputs)];
      compare(ours["y"]!.data, theirs["y"]!.data, 1e-5, node.opType);
    });
  }
});

Deno.test("MeanVarianceNormalization has the gradient that central differences give", () =>
  checkGradients({
    name: "MeanVarianceNormalization",
    nodes: [makeNode("MeanVarianceNormalization", ["x"], ["y"], { axes: [0, 2] })],
    inputs: { x: normal(1, [3, 2, 4]) },
    ...inFloat,
  }));

Deno.test("LpNormalization gives 0, not NaN, to a row of zeros", async () => {
  for (const p of [1, 2]) {
    const x = { dims: [2, 2], data: [0, 0, 3, -4] };
    const model = rewritten(makeNode("LpNormalization", ["x"], ["y"], { p }), { x });
    const result = differentiate(model, { output: "sum", trainable: ["x"] });
    const { x_grad: g } = await runModel(result.model, { x });
    // p = 2: (1 − y Σy)/5 with y = (.6, −.8); p = 1: (1 − sign Σy)/7 with Σy = −1/7.
    const expected = p === 2 ? [0, 0, 1.12 / 5, 0.84 / 5] : [0, 0, 8 / 49, 6 / 49];
    compare(g!.data, expected, 1e-12, `p = ${p}`);
  }
});

Deno.test("LpNormalization refuses another norm", () => {
  const x = normal(1, [2, 2]);
  const model = rewritten(makeNode("LpNormalization", ["x"], ["y"], { p: 3 }), { x });
  assert.throws(
    () => differentiate(model, { output: "sum", trainable: ["x"] }),
    /Cannot differentiate LpNormalization "LpNormalization of y": p is 3/,
  );
});
