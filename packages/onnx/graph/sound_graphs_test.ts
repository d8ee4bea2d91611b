// The checker that other tests run on every graph finds what it should.
import assert from "node:assert/strict";
import { makeModel, makeNode, normal } from "../_testing.ts";
import { differentiate } from "../differentiate/differentiate.ts";
import { hessianVectorProduct } from "../differentiate/hessian_vector_product.ts";
import { legalize } from "../legalize/legalize.ts";
import { DataType } from "../model/data_type.ts";
import { declaration } from "../model/value_info.ts";
import type { ModelProto } from "../proto/onnx_pb.ts";
import { faultsOf } from "../scenarios/check_graph.ts";

const { FLOAT, DOUBLE } = DataType;

const sound = (): ModelProto => {
  const model = makeModel({
    nodes: [makeNode("MatMul", ["x", "w"], ["h"]), makeNode("Softmax", ["h"], ["y"], { axis: -1 })],
    inputs: { x: { ...normal(1, [2, 3]), type: FLOAT } },
    initializers: { w: { ...normal(2, [3, 4]), type: FLOAT } },
    outputs: ["y"],
  });
  model.graph!.output = [declaration("y", FLOAT, [2, 4])];
  return model;
};

const unsound: Readonly<Record<string, readonly [(model: ModelProto) => void, RegExp]>> = {
  "a value made twice": [
    (m) => m.graph!.node.push(makeNode("Relu", ["h"], ["y"])),
    /"y" is made again by Relu/,
  ],
  "a node before what it reads": [
    (m) => m.graph!.node.reverse(),
    /Softmax .* reads "h" before it is made/,
  ],
  "a value that nothing makes": [
    (m) => m.graph!.output.push(declaration("z", FLOAT, [])),
    /nothing makes the output "z"/,
  ],
  "another shape": [
    (m) => m.graph!.output = [declaration("y", FLOAT, [2, 3])],
    /"y" is declared \[2,3\], is \[2,4\]/,
  ],
  "another type": [
    (m) => m.graph!.output = [declaration("y", DOUBLE, [2, 4])],
    /"y" is declared DOUBLE, is FLOAT/,
  ],
  "two types in one sum": [
    (m) => {
      m.graph!.node[1] = makeNode("Add", ["h", "d"], ["y"]);
      m.graph!.input.push(declaration("d", DOUBLE, [2, 4]));
    },
    /Add .* reads FLOAT and DOUBLE/,
  ],
  "an unknown attribute": [
    (m) => m.graph!.node[1] = makeNode("Softmax", ["h"], ["y"], { axes: 1 }),
    /has no attribute "axes"/,
  ],
  "a domain that is not imported": [
    (m) => m.graph!.node[1]!.domain = "mine",
    /the domain "mine", which is not imported/,
  ],
};

Deno.test("faultsOf() finds what makes a graph unsound", async (t) => {
  assert.deepEqual(faultsOf(sound()), []);
  for (const [name, [spoil, message]] of Object.entries(unsound)) {
    await t.step(name, () => {
      const model = sound();
      spoil(model);
      const faults = faultsOf(model);
      assert.ok(faults.some((fault) => message.test(fault)), faults.join("; "));
    });
  }
});

Deno.test("What differentiate() and legalize() make is sound", () => {
  const loss = { type: "crossEntropy" as const, prediction: "h" };
  for (const grown of [differentiate(sound(), { loss }), hessianVectorProduct(sound(), { loss })]) {
    assert.deepEqual(faultsOf(grown.model), []);
    for (const target of ["cpu", "webgpu", "webgl"] as const) {
      assert.deepEqual(faultsOf(legalize(grown.model, target).model), [], target);
    }
  }
});
