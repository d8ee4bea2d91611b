import assert from "node:assert/strict";
import { makeModel, makeNode, runModel, type Value } from "../_testing.ts";
import { differentiate } from "../differentiate/differentiate.ts";
import { exportInferenceModel } from "../artifacts/export_inference_model.ts";
import { legalize } from "../legalize/legalize.ts";
import { DataType } from "../model/data_type.ts";
import { makeTensor, tensorData } from "../model/tensor.ts";
import { create } from "../proto/create.ts";
import { type ModelProto, SparseTensorProto } from "../proto/onnx_pb.ts";

const x: Value = { dims: [1, 2], data: [3, 5], type: DataType.FLOAT };
const labels: Value = { dims: [1, 3], data: [0, 0, 0], type: DataType.FLOAT };

/** `y = x w`, `w = [[0, 2, 0], [0, 0, 7]]` as a sparse initializer. */
function sparse(indices: readonly number[], dims: readonly number[]): ModelProto {
  const model = makeModel({
    nodes: [makeNode("MatMul", ["x", "w"], ["y"])],
    inputs: { x },
    outputs: ["y"],
  });
  model.graph!.sparseInitializer.push(create(SparseTensorProto, {
    values: makeTensor("w", DataType.FLOAT, [2], Float32Array.of(2, 7)),
    indices: makeTensor("", DataType.INT64, dims, BigInt64Array.from(indices, BigInt)),
    dims: [2n, 3n],
  }));
  return model;
}

Deno.test("Sparse initializers are parameters: listed, trained, legalized, exported", async (t) => {
  for (
    const [name, model] of [["linear indices", sparse([1, 5], [2])], [
      "coordinates",
      sparse([0, 1, 1, 2], [2, 2]),
    ]] as const
  ) {
    await t.step(name, async () => {
      const { model: gradient, parameters, values } = differentiate(model, {
        loss: { type: "mse", reduction: "sum" },
      });
      assert.deepEqual(parameters, ["w"]);
      const w = {
        dims: [2, 3],
        data: [...tensorData(values.get("w")!)] as number[],
        type: DataType.FLOAT,
      };
      assert.deepEqual(w.data, [0, 2, 0, 0, 0, 7]);
      const found = await runModel(gradient, { x, labels, w });
      // y = [0, 6, 35], ∂w = 2 xᵀ y
      assert.deepEqual(found["y"]!.data, [0, 6, 35]);
      assert.deepEqual(found["w_grad"]!.data, [0, 36, 210, 0, 60, 350]);
      assert.deepEqual((await runModel(legalize(model, "webgpu").model, { x }))["y"]!.data, [
        0,
        6,
        35,
      ]);
      const trained = exportInferenceModel(model, [
        makeTensor("w", DataType.FLOAT, [2, 3], new Float32Array(6).fill(1)),
      ]);
      assert.deepEqual((await runModel(trained, { x }))["y"]!.data, [8, 8, 8]);
    });
  }
});

Deno.test("Sparse initializers whose indices do not fit are refused by name", () => {
  for (
    const [model, message] of [
      [
        sparse([1, 6], [2]),
        /Cannot read the sparse tensor "w": index \[6\] is outside of its shape \[2,3\]/,
      ],
      [sparse([0, 1, 2, 0], [2, 2]), /index \[2,0\] is outside/],
      [sparse([0, 1, 2], [3]), /its indices have shape \[3\], expected \[2\]/],
    ] as const
  ) {
    assert.throws(() => legalize(model, "cpu"), message);
  }
});
