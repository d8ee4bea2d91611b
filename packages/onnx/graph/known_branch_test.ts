import assert from "node:assert/strict";
import { makeModel, makeNode, normal, runModel, type Value } from "../_testing.ts";
import { differentiate } from "../differentiate/differentiate.ts";
import { DataType } from "../model/data_type.ts";
import { makeTensor } from "../model/tensor.ts";
import { create } from "../proto/create.ts";
import {
  AttributeProto,
  GraphProto,
  type ModelProto,
  NodeProto,
  ValueInfoProto,
} from "../proto/onnx_pb.ts";

/** A body `y = x · factor` whose names are those of the other branch. */
const branch = (factor: number, nodes: readonly NodeProto[] = []) =>
  create(GraphProto, {
    name: "branch",
    initializer: [makeTensor("factor", DataType.DOUBLE, [], Float64Array.of(factor))],
    node: [
      makeNode("Neg", ["x"], ["inner"]),
      makeNode("Mul", ["inner", "factor"], ["z"]),
      ...nodes,
    ],
    output: [create(ValueInfoProto, { name: nodes.length > 0 ? "nested" : "z" })],
  });

const ifNode = (output: string, then: GraphProto, otherwise: GraphProto) =>
  create(NodeProto, {
    opType: "If",
    name: "choice",
    input: ["condition"],
    output: [output],
    attribute: [
      create(AttributeProto, { name: "then_branch", type: 5, g: then }),
      create(AttributeProto, { name: "else_branch", type: 5, g: otherwise }),
    ],
  });

const x = normal(1, [2, 3]);

/** The gradient of `Σ y²`, by x. */
async function gradientOf(model: ModelProto): Promise<number[]> {
  const options = { output: "loss", trainable: ["x"], parameters: "constants" as const };
  const { model: grown, gradients } = differentiate(model, options);
  return (await runModel(grown, { x }))[gradients.get("x")!]!.data;
}

const model = (node: NodeProto, condition: Value | readonly NodeProto[]): ModelProto =>
  makeModel({
    nodes: [
      ...("data" in condition ? [] : condition),
      node,
      makeNode("ReduceSumSquare", ["y"], ["loss"], { keepdims: 0 }),
    ],
    inputs: { x },
    initializers: "data" in condition ? { condition } : {
      two: { dims: [], data: [2], type: DataType.INT64 },
      zero: { dims: [], data: [0], type: DataType.INT64 },
    },
    outputs: ["loss"],
  });

const truth = (value: number, dims: readonly number[] = []): Value => ({
  dims,
  data: [value],
  type: DataType.BOOL,
});
/** y = −f x: the gradient of Σ y² is 2 f² x. */
const expected = (factor: number) => x.data.map((v) => 2 * factor ** 2 * v);
const near = (actual: readonly number[], factor: number) =>
  expected(factor).forEach((v, k) => assert.ok(Math.abs(actual[k]! - v) < 1e-9, `${actual}`));

Deno.test("An If whose condition is stored is the branch that it chooses", async () => {
  near(await gradientOf(model(ifNode("y", branch(3), branch(5)), truth(1))), 3);
  near(await gradientOf(model(ifNode("y", branch(3), branch(5)), truth(0, [1]))), 5);
});

Deno.test("A branch may hold a further If, which reads what the branch makes", async () => {
  const reading = create(GraphProto, {
    node: [makeNode("Add", ["z", "z"], ["twice"])],
    output: [create(ValueInfoProto, { name: "twice" })],
  });
  const outer = branch(3, [ifNode("nested", reading, reading)]);
  near(await gradientOf(model(ifNode("y", outer, branch(5)), truth(1))), 6);
});

Deno.test("An If about sizes that are known is the branch that they choose", async () => {
  const condition = [
    makeNode("Shape", ["x"], ["shape"]),
    makeNode("Gather", ["shape", "zero"], ["rows"]),
    makeNode("Equal", ["rows", "two"], ["condition"]),
  ];
  near(await gradientOf(model(ifNode("y", branch(3), branch(5)), condition)), 3);
});

Deno.test("An If whose condition is fed is refused by name", () => {
  const fed = makeModel({
    nodes: [
      ifNode("y", branch(3), branch(5)),
      makeNode("ReduceSumSquare", ["y"], ["loss"], { keepdims: 0 }),
    ],
    inputs: { x, condition: truth(1) },
    outputs: ["loss"],
  });
  assert.throws(() => differentiate(fed, { output: "loss", trainable: ["x"] }), /If "choice"/);
});
