import assert from "node:assert/strict";
import { makeModel, makeNode } from "../../_testing.ts";
import { differentiate } from "../../differentiate/differentiate.ts";
import { DataType } from "../../model/data_type.ts";
import type { ModelProto } from "../../proto/onnx_pb.ts";
import { integers, random } from "../scenarios/cases.ts";
import { legalize } from "../legalize.ts";

/** A parameter of six numbers as [2, 3], added to x. */
const reshaped = () =>
  makeModel({
    nodes: [makeNode("Reshape", ["w", "shape"], ["v"]), makeNode("Add", ["x", "v"], ["y"])],
    inputs: { x: random(1, [2, 3]) },
    initializers: { w: random(2, [6]), shape: integers([2], [2, 3]) },
    outputs: ["y"],
  });

const opTypes = ({ graph }: ModelProto) => graph!.node.map((n) => n.opType);

Deno.test("WebGL reshapes a product, not an initializer, whose texture it would give away", () => {
  const { model } = legalize(reshaped(), "webgl");
  // The product, its view, and the view as a texture that lies as its shape says.
  assert.deepEqual(opTypes(model), ["Constant", "Mul", "Reshape", "Mul", "Add"]);
  assert.equal(model.graph!.node[1]!.input[0], "w");
  assert.deepEqual(opTypes(legalize(reshaped(), "cpu").model), ["Reshape", "Add"]);
});

Deno.test("WebGL gets a constant mask as floats: a Cast would give away its texture", () => {
  const condition = { dims: [3], data: [1, 0, 1], type: DataType.BOOL };
  const { model } = legalize(
    makeModel({
      nodes: [makeNode("Where", ["condition", "x", "y"], ["z"])],
      inputs: { x: random(1, [2, 3]), y: random(2, [2, 3]) },
      initializers: { condition },
      outputs: ["z"],
    }),
    "webgl",
  );
  assert.ok(!opTypes(model).includes("Cast"), opTypes(model).join());
});

Deno.test("What is made for WebGL has no more parameters, also when it is made again", () => {
  const first = legalize(reshaped(), "webgl").model;
  for (const model of [first, legalize(first, "webgl").model]) {
    assert.deepEqual(differentiate(model, { loss: { type: "mse" } }).parameters, ["w"]);
    const names = model.graph!.node.flatMap((n) => n.output);
    assert.deepEqual(names, [...new Set(names)]);
  }
});
