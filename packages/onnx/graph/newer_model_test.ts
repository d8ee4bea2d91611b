import { assertAllClose } from "@precond/testing";
import assert from "node:assert/strict";
import { checkGradients, makeModel, makeNode, normal, runModel, type Value } from "../_testing.ts";
import { exportInferenceModel } from "../artifacts/export_inference_model.ts";
import { type AttributeValue, float } from "../model/attributes.ts";
import { DataType } from "../model/data_type.ts";
import { writeModel } from "../model/read_model.ts";
import type { NodeProto } from "../proto/onnx_pb.ts";
import { newerModel } from "./newer_model.ts";

interface Case {
  readonly name: string;
  readonly opset: number;
  readonly older: readonly NodeProto[];
  /** The same in operator set 18. */
  readonly newer: readonly NodeProto[];
  readonly inputs: Readonly<Record<string, Value>>;
  readonly initializers?: Readonly<Record<string, Value>>;
  /** The operator has no kernel in double. */
  readonly precision?: "float";
}

const ints = (...data: number[]): Value => ({ dims: [data.length], data, type: DataType.INT64 });
const node = (
  opType: string,
  inputs: readonly string[],
  attributes: Readonly<Record<string, AttributeValue>> = {},
  outputs: readonly string[] = ["y"],
) => makeNode(opType, inputs, outputs, attributes);

const x = normal(1, [2, 3, 4, 4], (v) => v + (v < 0 ? -0.2 : 0.2));
const channels = normal(2, [3], (v) => 1 + Math.abs(v));
const axes = ints(1, 2);
const over = [node("Unsqueeze", ["c", "axes"], {}, ["over"])];
const product = node("MatMul", ["x", "w"], {}, ["z"]);
const statistics = { mean: normal(6, [3]), variance: channels };

const cases: readonly Case[] = [
  ...["Add", "Div", "Mul", "Sub"].map((op): Case => ({
    name: `${op} from an axis on`,
    opset: op === "Mul" ? 1 : 6,
    older: [node(op, ["x", "c"], {
      axis: 1,
      broadcast: 1,
      ...(op === "Mul" ? { consumed_inputs: [0, 0] } : {}),
    })],
    newer: [...over, node(op, ["x", "over"])],
    inputs: { x, c: channels },
    initializers: { axes },
  })),
  {
    name: "Add within the graph, where the file gives no shape",
    opset: 6,
    older: [product, node("Add", ["z", "c"], { axis: 1, broadcast: 1 })],
    newer: [product, ...over, node("Add", ["z", "over"])],
    inputs: { x, w: normal(4, [4, 3]), c: channels },
    initializers: { axes },
  },
  {
    name: "PRelu with a slope for each channel",
    opset: 6,
    older: [node("PRelu", ["x", "c"])],
    newer: [...over, node("PRelu", ["x", "over"])],
    inputs: { x, c: channels },
    initializers: { axes },
    precision: "float",
  },
  {
    name: "BatchNormalization in inference",
    opset: 6,
    older: [node("BatchNormalization", ["x", "c", "b", "mean", "variance"], { is_test: 1 }, [
      "y",
      "m",
      "v",
    ])],
    newer: [node("BatchNormalization", ["x", "c", "b", "mean", "variance"])],
    inputs: { x, c: channels, b: normal(5, [3]) },
    initializers: statistics,
  },
  {
    name: "Cast to a type by its name, Concat along axis 1",
    opset: 1,
    older: [node("Cast", ["x"], { to: "float" }, ["z"]), node("Concat", ["x", "z"])],
    newer: [node("Cast", ["x"], { to: 1 }, ["z"]), node("Concat", ["x", "z"], { axis: 1 })],
    inputs: { x },
    precision: "float",
  },
  {
    name: "Dropout out of training mode",
    opset: 6,
    older: [node("Dropout", ["x"], { is_test: 1, ratio: float(0.5) })],
    newer: [node("Identity", ["x"])],
    inputs: { x },
  },
  {
    name: "Gemm",
    opset: 6,
    older: [node("Gemm", ["a", "b", "c"], { broadcast: 1 })],
    newer: [node("Gemm", ["a", "b", "c"])],
    inputs: { a: normal(7, [2, 5]), b: normal(8, [5, 3]), c: channels },
  },
  {
    name: "GlobalLpPool",
    opset: 1,
    older: [node("GlobalLpPool", ["x"], { p: float(3) })],
    newer: [node("GlobalLpPool", ["x"], { p: 3 })],
    inputs: { x },
    precision: "float",
  },
  {
    name: "Pad by paddings, Reshape to an attribute",
    opset: 1,
    older: [
      node("Pad", ["x"], { paddings: [0, 0, 1, 0, 0, 0, 0, 2] }, ["z"]),
      node("Reshape", ["z"], { shape: [0, -1] }),
    ],
    newer: [node("Pad", ["x", "pads"], {}, ["z"]), node("Reshape", ["z", "shape"])],
    inputs: { x },
    initializers: { pads: ints(0, 0, 1, 0, 0, 0, 0, 2), shape: ints(0, -1) },
  },
  {
    name: "Selu with the defaults of set 1",
    opset: 1,
    older: [node("Selu", ["x"])],
    newer: [node("Selu", ["x"], { alpha: float(1.6732), gamma: float(1.0507) })],
    inputs: { x },
    precision: "float",
  },
  {
    name: "Upsample by height and width",
    opset: 1,
    older: [node("Upsample", ["x"], {
      height_scale: float(2),
      width_scale: float(3),
      mode: "nearest",
    })],
    newer: [node("Resize", ["x", "", "scales"], {
      mode: "nearest",
      coordinate_transformation_mode: "asymmetric",
      nearest_mode: "floor",
    })],
    inputs: { x },
    initializers: { scales: { dims: [4], data: [1, 1, 2, 3], type: DataType.FLOAT } },
    precision: "float",
  },
];

Deno.test("Operators of the sets 1 to 6 mean what they mean today", async (t) => {
  for (const { name, opset, older, newer, inputs, initializers = {}, precision } of cases) {
    await t.step(name, async () => {
      const type = precision === "float" ? DataType.FLOAT : DataType.DOUBLE;
      const of = (values: Readonly<Record<string, Value>>) =>
        Object.fromEntries(Object.entries(values).map(([k, v]) => [k, { type, ...v }]));
      const graph = { inputs: of(inputs), initializers: of(initializers), outputs: ["y"] };
      const before = newerModel(makeModel({ ...graph, nodes: older, opset }));
      const [actual, expected] = [
        await runModel(before, graph.inputs),
        await runModel(makeModel({ ...graph, nodes: newer }), graph.inputs),
      ];
      assert.deepEqual(actual["y"]!.dims, expected["y"]!.dims);
      assertAllClose(actual["y"]!.data, expected["y"]!.data, { relative: 1e-6 }, "values");
      await checkGradients({
        name,
        nodes: older,
        inputs,
        initializers,
        opset,
        secondOrder: false,
        ...(precision === undefined ? {} : { precision }),
      });
    });
  }
});

Deno.test("A model of an older operator set is exported in one that ONNX Runtime runs", async () => {
  const b = { dims: [3], data: [1, 2, 3] };
  const older = makeModel({
    nodes: [node("Add", ["x", "b"], { axis: 1, broadcast: 1 })],
    inputs: { x },
    initializers: { b },
    outputs: ["y"],
    opset: 6,
  });
  const written = writeModel(older);
  const found = await runModel(exportInferenceModel(older, []), { x });
  assertAllClose(found["y"]!.data, x.data.map((v, k) => v + 1 + Math.floor(k / 16) % 3));
  assert.deepEqual(writeModel(older), written, "what was given is as it was");
  const newer = newerModel(older);
  assert.equal(newerModel(newer), newer);
});

Deno.test("Old forms that have no newer one are refused by name", () => {
  const refuses = (old: NodeProto, message: RegExp) =>
    assert.throws(
      () => newerModel(makeModel({ nodes: [old], inputs: { x }, outputs: ["y"], opset: 1 })),
      message,
    );
  refuses(node("Tile", ["x", "n", "axis"]), /Cannot read Tile "Tile of y": it repeats one axis/);
  refuses(node("Cast", ["x"], { to: "quaternion" }), /there is no element type "QUATERNION"/);
  refuses(node("LpPool", ["x"], { p: float(1.5) }), /p is 1.5, not a whole number/);
});
