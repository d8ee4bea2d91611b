import assert from "node:assert/strict";
import { makeModel, makeNode, runModel, type Value } from "../_testing.ts";
import { DataType } from "../model/data_type.ts";
import { declaration } from "../model/value_info.ts";
import { create } from "../proto/create.ts";
import { AttributeProto, type ModelProto } from "../proto/onnx_pb.ts";
import { exportInferenceModel } from "./export_inference_model.ts";

const vector = (...data: number[]): Value => ({ dims: [data.length], data, type: DataType.FLOAT });
const x: Value = { dims: [2, 2], data: [1, 2, 5, 8], type: DataType.FLOAT };
const statistics = {
  gamma: vector(1, 2),
  beta: vector(0, 1),
  mean: vector(1, 0),
  var: vector(4, 1),
};
/** `s (x − μ)/σ + c` by the stored statistics, ε = 0. */
const normalized = [0, 5, 2, 17];

const normalization = (outputs: string[], opset: number) =>
  makeNode("BatchNormalization", ["x", "gamma", "beta", "mean", "var"], outputs, {
    epsilon: { float: 0 },
    ...(opset >= 14 ? { training_mode: 1 } : {}),
  });

async function exported(model: ModelProto): Promise<Record<string, number[]>> {
  const inference = exportInferenceModel(model, []);
  assert.deepEqual(inference.graph!.input.map((i) => i.name), ["x"]);
  const found = await runModel(inference, { x });
  return Object.fromEntries(Object.entries(found).map(([name, { data }]) => [name, data]));
}

Deno.test("Exported batch normalization takes its statistics, in training mode too", async (t) => {
  // onnxruntime-node runs no BatchNormalization of set 9 with several outputs, so that these go.
  for (const [opset, outputs] of [[18, ["y", "a", "b"]], [9, ["y", "a", "b", "c", "d"]]] as const) {
    for (const kept of [["y"], ["y", "a", "b"]]) {
      await t.step(`set ${opset}, outputs ${kept}`, async () => {
        const found = await exported(makeModel({
          nodes: [normalization([...outputs], opset)],
          inputs: { x },
          initializers: statistics,
          outputs: kept,
          opset,
        }));
        assert.deepEqual(found["y"], normalized);
        if (kept.length > 1) assert.deepEqual([found["a"], found["b"]], [[1, 0], [4, 1]]);
      });
    }
  }
});

Deno.test("Exported dropout drops nothing, whoever turned it on", async (t) => {
  const ratio = { dims: [], data: [0.5], type: DataType.FLOAT };
  const on = { dims: [], data: [1], type: DataType.BOOL };
  const dropout = makeNode("Dropout", ["x", "ratio", "on"], ["y", "mask"]);
  const mask = makeNode("Cast", ["mask"], ["kept"], { to: DataType.FLOAT });
  for (const outputs of [["y"], ["y", "kept"]]) {
    for (const where of ["inputs", "initializers"] as const) {
      await t.step(`${where}, outputs ${outputs}`, async () => {
        const found = await exported(makeModel({
          nodes: [dropout, mask],
          inputs: { x, ...(where === "inputs" ? { on } : {}) },
          initializers: { ratio, ...(where === "inputs" ? {} : { on }) },
          outputs,
        }));
        assert.deepEqual(found["y"], x.data);
        if (outputs.length > 1) assert.deepEqual(found["kept"], [1, 1, 1, 1]);
      });
    }
  }
});

Deno.test("Bodies are exported in inference mode, too", async () => {
  const body = makeModel({
    nodes: [makeNode("Dropout", ["x", "ratio", "on"], ["z"])],
    outputs: ["z"],
  }).graph!;
  body.output = [declaration("z", DataType.FLOAT, [2, 2])];
  const choice = makeNode("If", ["on"], ["y"]);
  const attribute = ["then_branch", "else_branch"].map((name) =>
    create(AttributeProto, { name, type: 5, g: body })
  );
  const model = makeModel({
    nodes: [{ ...choice, attribute }],
    inputs: { x },
    initializers: {
      ratio: { dims: [], data: [0.5], type: DataType.FLOAT },
      on: { dims: [], data: [1], type: DataType.BOOL },
    },
    outputs: ["y"],
  });
  assert.deepEqual((await exported(model))["y"], x.data);
});
