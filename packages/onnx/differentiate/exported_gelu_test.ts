import assert from "node:assert/strict";
import { checkGradients, compare, makeModel, makeNode, normal, runModel } from "../_testing.ts";
import { DataType } from "../model/data_type.ts";
import type { NodeProto } from "../proto/onnx_pb.ts";
import { ruleFor } from "../rules/mod.ts";
import { loadGraph } from "../graph/load_graph.ts";
import { differentiate } from "./differentiate.ts";
import { recognizeGelus } from "./exported_gelu.ts";

const { FLOAT } = DataType;
const scalar = (value: number, dims: number[] = []) => ({ dims, data: [value], type: FLOAT });
const constants = {
  half: scalar(0.5),
  one: scalar(1),
  two: scalar(2, [1]),
  root: scalar(Math.SQRT1_2),
  divisor: scalar(Math.SQRT2),
  rough: scalar(0.7),
};
const erf = [
  makeNode("Div", ["x", "divisor"], ["u"]),
  makeNode("Erf", ["u"], ["e"]),
  makeNode("Add", ["e", "one"], ["p"]),
];
const x = { ...normal(1, [3, 4]), type: FLOAT };

/** As exporters write it. */
const forms: Readonly<Record<string, readonly NodeProto[]>> = {
  "x (1 + erf) ½": [
    ...erf,
    makeNode("Mul", ["x", "p"], ["m"]),
    makeNode("Mul", ["m", "half"], ["y"]),
  ],
  "(½ x) (erf + 1)": [
    makeNode("Mul", ["half", "x"], ["h"]),
    ...erf,
    makeNode("Mul", ["h", "p"], ["y"]),
  ],
  "x (½ (1 + erf)), u by a product": [
    makeNode("Mul", ["x", "root"], ["u"]),
    makeNode("Erf", ["u"], ["e"]),
    makeNode("Add", ["one", "e"], ["p"]),
    makeNode("Mul", ["half", "p"], ["phi"]),
    makeNode("Mul", ["phi", "x"], ["y"]),
  ],
  "x (1 + erf) / 2": [
    ...erf,
    makeNode("Mul", ["p", "x"], ["m"]),
    makeNode("Div", ["m", "two"], ["y"]),
  ],
};

const others: Readonly<Record<string, readonly NodeProto[]>> = {
  "another factor inside": [
    makeNode("Mul", ["x", "rough"], ["u"]),
    ...erf.slice(1),
    makeNode("Mul", ["x", "p"], ["m"]),
    makeNode("Mul", ["m", "half"], ["y"]),
  ],
  "another factor outside": [
    ...erf,
    makeNode("Mul", ["x", "p"], ["m"]),
    makeNode("Mul", ["m", "two"], ["y"]),
  ],
  "another sum": [
    ...erf.slice(0, 2),
    makeNode("Add", ["e", "half"], ["p"]),
    makeNode("Mul", ["x", "p"], ["m"]),
    makeNode("Mul", ["m", "half"], ["y"]),
  ],
  "another value": [
    ...erf,
    makeNode("Neg", ["x"], ["n"]),
    makeNode("Mul", ["n", "p"], ["m"]),
    makeNode("Mul", ["m", "half"], ["y"]),
  ],
  "a square": [
    ...erf,
    makeNode("Mul", ["p", "p"], ["m"]),
    makeNode("Mul", ["m", "half"], ["y"]),
  ],
  "something else reads it": [
    ...erf,
    makeNode("Mul", ["x", "p"], ["m"]),
    makeNode("Mul", ["m", "half"], ["g"]),
    makeNode("Add", ["g", "e"], ["y"]),
  ],
};

const recognized = (nodes: readonly NodeProto[], kept: readonly string[] = []) => {
  const { b } = loadGraph(
    makeModel({ nodes, inputs: { x }, initializers: constants, outputs: ["y"] }),
    ruleFor,
  );
  recognizeGelus(b, new Set(["y", ...kept]));
  return b.nodes.some(({ opType }) => opType === "Gelu");
};

Deno.test("Every order of factors of an exported GELU is recognized", async (t) => {
  for (const [name, nodes] of Object.entries(forms)) {
    await t.step(name, async () => {
      assert.ok(recognized(nodes));
      await checkGradients({
        name,
        nodes,
        inputs: { x: normal(1, [3, 4]) },
        initializers: constants,
        precision: "float",
      });
    });
  }
});

Deno.test("What is no GELU stays what it is", async (t) => {
  for (const [name, nodes] of Object.entries(others)) {
    await t.step(name, () => assert.ok(!recognized(nodes)));
  }
  const [plain] = Object.values(forms) as [NodeProto[]];
  await t.step("an output in between", () => assert.ok(!recognized(plain, ["e"])));
  await t.step("a constant that is trained", () => assert.ok(!recognized(plain, ["half"])));
});

Deno.test("A factor of GELU that is trained has its gradient", async () => {
  const [nodes] = Object.values(forms) as [NodeProto[]];
  const sum = makeNode("ReduceSum", ["y"], ["loss"], { keepdims: 0 });
  const { model } = differentiate(
    makeModel({
      nodes: [...nodes, sum],
      inputs: { x },
      initializers: constants,
      outputs: ["loss", "y"],
    }),
    { output: "loss", trainable: ["half"] },
  );
  const { half_grad, y } = await runModel(model, { x, half: constants.half });
  // y = ½ m
  compare(half_grad!.data, [2 * y!.data.reduce((a, v) => a + v)], 1e-6, "∂y/∂½");
});
