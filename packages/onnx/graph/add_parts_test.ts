import { checkGradients, type GradientCase, makeModel, makeNode, normal } from "../_testing.ts";
import { differentiate } from "../differentiate/mod.ts";
import { DataType } from "../model/data_type.ts";
import type { NodeProto } from "../proto/onnx_pb.ts";
import { ruleFor } from "../rules/mod.ts";
import { addParts } from "./add_parts.ts";
import { createBuilder } from "./create_builder.ts";
import assert from "node:assert/strict";

const ints = (...data: number[]) => ({ dims: [data.length], data, type: 7 });
const int = (value: number) => ({ dims: [], data: [value], type: 7 });

const gather = (k: number) => makeNode("Gather", ["x", `i${k}`], [`g${k}`], { axis: 1 });
const slice = (from: number, to: number) =>
  makeNode("Slice", ["x", `c${from}`, `c${to}`, "axis"], [`s${from}`]);
const indices = { i0: int(0), i1: int(1), i2: int(2) };
const cuts = { c0: ints(0), c1: ints(1), c2: ints(2), c3: ints(3), axis: ints(1) };

const parts = (
  name: string,
  nodes: NodeProto[],
  initializers: GradientCase["initializers"] = cuts,
) => ({
  name,
  nodes,
  initializers: initializers!,
  inputs: { x: normal(1, [2, 3, 2]) },
});

const cases: readonly (GradientCase & { readonly left: readonly string[] })[] = [
  {
    ...parts("queries, keys and values", [
      ...[0, 1, 2].map(gather),
      makeNode("Mul", ["g0", "g1"], ["scores"]),
      makeNode("Mul", ["scores", "g2"], ["y"]),
    ], indices),
    left: ["Concat"],
  },
  {
    ...parts("parts that arrive in another order", [
      ...[1, 0, 2].map(gather),
      makeNode("Mul", ["g0", "g1"], ["scores"]),
      makeNode("Mul", ["scores", "g2"], ["y"]),
    ], indices),
    left: ["Pad", "Add"],
  },
  {
    ...parts("rotated halves", [
      slice(0, 1),
      slice(1, 3),
      makeNode("Neg", ["s1"], ["turned"]),
      makeNode("Concat", ["turned", "s0"], ["rotated"], { axis: 1 }),
      makeNode("Exp", ["rotated"], ["y"]),
    ]),
    left: ["Concat"],
  },
  {
    ...parts("parts that leave something out", [
      slice(1, 2),
      slice(2, 3),
      makeNode("Mul", ["s1", "s2"], ["y"]),
    ]),
    left: ["Concat", "Pad"],
  },
  {
    ...parts("parts that overlap", [
      slice(0, 2),
      slice(1, 3),
      makeNode("Mul", ["s0", "s1"], ["y"]),
    ]),
    left: ["Pad", "Add"],
  },
];

Deno.test("Gradients of parts of a value are joined where they lie side by side", async (t) => {
  for (const test of cases) {
    await t.step(test.name, async () => {
      const { model } = differentiate(
        makeModel({
          inputs: test.inputs,
          initializers: test.initializers!,
          nodes: [...test.nodes, makeNode("ReduceSum", ["y"], ["loss"], { keepdims: 0 })],
          outputs: ["loss"],
        }),
        { output: "loss", trainable: ["x"] },
      );
      const forward = new Set(test.nodes.flatMap((node) => node.output));
      const found = model.graph!.node.filter((node) => !forward.has(node.output[0]!)).map((n) =>
        n.opType
      );
      for (const opType of ["Concat", "Pad", "Add"]) {
        assert.equal(found.includes(opType), test.left.includes(opType), `${opType} in ${found}`);
      }
      await checkGradients(test);
    });
  }
});

Deno.test("addParts() adds what is padded with something else than zeros, or along other axes", () => {
  const b = createBuilder(18, ruleFor);
  b.declare("x", { dataType: DataType.FLOAT, dims: [1, 2] });
  const pad = (pads: number[], value?: number, mode?: string) =>
    b.op("Pad", ["x", b.ints(pads), value === undefined ? undefined : b.scalar(value, "x")], {
      mode,
    });
  const sumOf = (x: string, y: string) => b.producer(addParts(b, x, y))!.opType;
  assert.equal(sumOf(pad([0, 0, 1, 0]), pad([1, 0, 0, 0])), "Concat");
  assert.equal(sumOf(pad([0, 0, 1, 0], 1), pad([1, 0, 0, 0])), "Add");
  assert.equal(sumOf(pad([0, 0, 1, 0], undefined, "edge"), pad([1, 0, 0, 0])), "Add");
  assert.equal(sumOf(pad([0, 0, 0, 2]), pad([0, 2, 0, 0])), "Concat");
  assert.equal(sumOf(pad([0, 0, 1, 2]), pad([1, 2, 0, 0])), "Add");
  assert.equal(sumOf("x", "x"), "Add");
});

Deno.test("Gradients are one product for the products that a weight gets in many time steps", async () => {
  const T = 3;
  const steps = Array.from({ length: T }, (_, k) => k);
  const weight = { w: normal(9, [16, 17]) };
  const used = (batch: number, symbol?: string) => ({
    name: `batch ${batch}, ${symbol}`,
    nodes: [
      ...steps.map((k) => makeNode("Gemm", [`x${k}`, "w"], [`z${k}`])),
      ...steps.map((k) => makeNode("Tanh", [`z${k}`], [`t${k}`])),
      makeNode("Concat", steps.map((k) => `t${k}`), ["y"], { axis: 0 }),
    ],
    inputs: {
      ...weight,
      ...Object.fromEntries(steps.map((k) => [`x${k}`, normal(k, [batch, 16], (x) => x / 4)])),
    },
    ...(symbol === undefined
      ? {}
      : { symbols: Object.fromEntries(steps.map((k) => [`x${k}`, [symbol, 16]])) }),
  });
  const productsOf = (test: ReturnType<typeof used>) => {
    const model = makeModel({
      ...test,
      nodes: [...test.nodes, makeNode("ReduceSum", ["y"], ["loss"], { keepdims: 0 })],
      outputs: ["loss"],
    });
    const { model: grown } = differentiate(model, { output: "loss", trainable: ["w"] });
    return grown.graph!.node.filter((n) => n.opType === "Gemm").length - T;
  };
  for (const test of [used(2), used(2, "N")]) {
    assert.equal(productsOf(test), 1, test.name);
    await checkGradients(test);
  }
  // More rows than the weight has: joining them would cost more than the sum.
  assert.equal(productsOf(used(32)), T);
});
