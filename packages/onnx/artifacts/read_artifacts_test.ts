import { BinaryWriter } from "@bufbuild/protobuf/wire";
import assert from "node:assert/strict";
import {
  compare,
  makeModel,
  makeNode,
  normal,
  oracleOrt,
  runModel,
  type Value,
} from "../_testing.ts";
import { differentiate } from "../differentiate/differentiate.ts";
import { float } from "../model/attributes.ts";
import { DataType } from "../model/data_type.ts";
import { declaration } from "../model/value_info.ts";
import { readModel, writeModel } from "../model/read_model.ts";
import { makeTensor, tensorData, tensorDims } from "../model/tensor.ts";
import { create } from "../proto/create.ts";
import { TensorProto, ValueInfoProto } from "../proto/onnx_pb.ts";
import { type ArtifactSet, artifactSets, fixture, haveFixtures } from "./_testing.ts";
import { ACCUMULATOR, bufferOf, doneOf, gradientOf, MICROSOFT, RESET } from "./contract.ts";
import { readArtifacts } from "./read_artifacts.ts";
import type { ArtifactFiles } from "./read_artifacts_with.ts";
import { writeCheckpoint } from "./write_checkpoint.ts";

const filesOf = (set: ArtifactSet): ArtifactFiles => ({
  training: fixture(set.training),
  checkpoint: fixture(set.checkpoint),
  optimizer: fixture(set.optimizer),
  eval: fixture(set.eval),
});

const float32 = (value: Value): Value => ({ ...value, type: DataType.FLOAT });
const valueOf = (tensor: TensorProto): Value => ({
  dims: tensorDims(tensor),
  data: Array.from(tensorData(tensor) as Float32Array),
  type: tensor.dataType,
});

/** A batch for each artifact set: user inputs by name. */
const batches: Readonly<Record<string, Readonly<Record<string, Value>>>> = {
  "mnist-web-demo": {
    input: float32(normal(1, [4, 784])),
    labels: { dims: [4], data: [3, 1, 4, 1], type: DataType.INT64 },
  },
  "ort-training-api": {
    "input-0": float32(normal(2, [2, 784])),
    labels: { dims: [2], data: [1, 9], type: DataType.INT32 },
  },
  "seizure-head": {
    input: float32(normal(3, [3, 18, 1024])),
    labels: { dims: [3], data: [0, 1, 1], type: DataType.INT64 },
  },
};

if (haveFixtures) {
  Deno.test("readArtifacts() reads what the official generator wrote", () => {
    const adamw = {
      type: "adamw",
      alpha: Math.fround(0.9),
      beta: Math.fround(0.999),
      epsilon: Math.fround(1e-6),
      weightDecay: 0,
      correctBias: true,
      adamMode: 1,
    };
    const mlp = ["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"];
    const conv = [57, 58, 60, 61, 63, 64].map((k) => `onnx::Conv_${k}`);
    const expected = [
      ["onnx::loss::8", mlp, [], ["input", "labels"], ["onnx::loss::8", "output"]],
      ["onnx::loss::21273", mlp, [], ["input-0", "labels"], ["onnx::loss::21273"]],
      [
        "onnx::loss::2",
        ["0.weight", "0.bias", "1.weight", "1.bias"].map((name) => `classifier.${name}`),
        conv,
        ["input", "labels"],
        ["onnx::loss::2"],
      ],
    ];
    artifactSets.forEach((set, k) => {
      const found = readArtifacts(filesOf(set));
      const { loss, trainable, frozen, inputs, outputs } = found;
      assert.deepEqual([loss, trainable, frozen, inputs, outputs], expected[k]);
      assert.deepEqual(found.optimizer, adamw);
      assert.ok(found.model.graph!.node.every((node) => node.domain === ""));
      assert.deepEqual(found.model.opsetImport.map((o) => o.domain), [""]);
    });
  });

  for (const set of artifactSets) {
    Deno.test(`${set.name}: gradients equal those of the training kernels`, async () => {
      const files = filesOf(set);
      const { model, loss, trainable, checkpoint, evaluation } = readArtifacts(files);
      const batch = batches[set.name]!;

      const official = readModel(files.training);
      const feeds: Record<string, Value> = {
        ...batch,
        [RESET]: { dims: [1], data: [1], type: DataType.BOOL },
      };
      for (const tensor of [...checkpoint.parameters, ...checkpoint.frozen]) {
        feeds[tensor.name] = valueOf(tensor);
      }
      for (const name of trainable) {
        const { dims, data } = feeds[name]!;
        feeds[bufferOf(name)] = float32({ dims, data: data.map(() => 0) });
        official.graph!.output.push(create(ValueInfoProto, { name: gradientOf(name) }));
      }
      const expected = await runModel(official, feeds, await oracleOrt());

      const gradient = differentiate(model, { output: loss, trainable, parameters: "constants" });
      const actual = await runModel(gradient.model, batch);
      compare(actual[loss]!.data, expected[loss]!.data, 1e-5, "loss");
      for (const name of trainable) {
        const found = actual[gradient.gradients.get(name)!]!;
        assert.deepEqual([...found.dims], [...feeds[name]!.dims]);
        compare(found.data, expected[gradientOf(name)]!.data, 1e-5, name);
      }
      // No dropout: evaluation has the same loss.
      const evaluated = await runModel(evaluation!, batch);
      compare(evaluated[loss]!.data, expected[loss]!.data, 1e-5, "loss in evaluation");
    });
  }

  Deno.test("readArtifacts() refuses files that do not belong together", () => {
    const [mnist, , seizure] = artifactSets.map(filesOf);
    assert.throws(
      () => readArtifacts({ ...mnist!, checkpoint: seizure!.checkpoint }),
      /parameter "fc1.weight" is missing in the checkpoint/,
    );
    assert.throws(
      () => readArtifacts({ ...mnist!, training: mnist!.eval! }),
      /expected a training model with a loss and InPlaceAccumulatorV2 nodes, found 2 outputs and 0/,
    );
    assert.throws(
      () => readArtifacts({ ...mnist!, optimizer: mnist!.eval! }),
      /expected AdamWOptimizer or SGDOptimizerV2, found Gemm, Relu/,
    );
  });
}

/**
 * A training model as the official generator writes one, of its own forward operators and gradient
 * kernels: batch normalization, pooling with a mask, a loss whose weights are inputs.
 */
function contributedTraining() {
  const parameters: Readonly<Record<string, Value>> = {
    s: float32(normal(1, [3])),
    t: float32(normal(2, [3])),
    w: float32(normal(3, [9, 4])),
    mean: float32(normal(4, [3])),
    variance: float32(normal(5, [3], (v) => v * v)),
  };
  const trainable = ["s", "t", "w"];
  const batch: Readonly<Record<string, Value>> = {
    x: float32(normal(6, [2, 3, 6])),
    labels: { dims: [2], data: [3, 1], type: DataType.INT64 },
  };
  const own = (op: string, inputs: string[], outputs: string[], attributes = {}) =>
    makeNode(op, inputs, outputs, attributes, MICROSOFT);
  const pool = { kernel_shape: [2], strides: [2] };
  const model = makeModel({
    nodes: [
      own(
        "BatchNormInternal",
        ["x", "s", "t", "mean", "variance"],
        ["n", "mean_out", "variance_out", "saved_mean", "saved_inv"],
        { training_mode: 1 },
      ),
      makeNode("Relu", ["n"], ["r"]),
      makeNode("MaxPool", ["r"], ["p", "mask"], pool),
      makeNode("Flatten", ["p"], ["f"]),
      own("FusedMatMul", ["f", "w"], ["z"]),
      own("SoftmaxCrossEntropyLossInternal", ["z", "labels"], ["loss", "log"], {
        reduction: "mean",
      }),
      own("SoftmaxCrossEntropyLossInternalGrad", ["one", "log", "labels"], ["z_grad"], {
        reduction: "mean",
      }),
      own("FusedMatMul", ["f", "z_grad"], ["w_grad"], { transA: 1 }),
      own("FusedMatMul", ["z_grad", "w"], ["f_grad"], { transB: 1 }),
      makeNode("Shape", ["p"], ["p_shape"]),
      makeNode("Reshape", ["f_grad", "p_shape"], ["p_grad"]),
      makeNode("MaxPoolGrad", ["p_grad", "mask"], ["r_grad"], pool),
      own("ReluGrad", ["r_grad", "r"], ["n_grad"]),
      own(
        "BatchNormalizationGrad",
        ["n_grad", "x", "s", "saved_mean", "saved_inv"],
        ["x_grad", "s_grad", "t_grad"],
        { epsilon: float(1e-5) },
      ),
      ...trainable.map((name) =>
        own(ACCUMULATOR, [bufferOf(name), gradientOf(name), RESET], [doneOf(name)])
      ),
    ],
    inputs: {
      ...batch,
      ...parameters,
      ...Object.fromEntries(trainable.map((name) => [bufferOf(name), parameters[name]!])),
      [RESET]: { dims: [1], data: [1], type: DataType.BOOL },
    },
    initializers: { one: float32({ dims: [], data: [1] }) },
    outputs: ["loss", "z", ...trainable.map(doneOf)],
    opset: 17,
  });
  // Its shape is what MaxPoolGrad goes by.
  model.graph!.valueInfo.push(declaration("r_grad", DataType.FLOAT, [2, 3, 6]));
  model.opsetImport.push({ ...model.opsetImport[1]!, domain: "org.pytorch.aten" });
  const tensor = (name: string) => {
    const { dims, data } = parameters[name]!;
    return makeTensor(name, DataType.FLOAT, dims, Float32Array.from(data));
  };
  const checkpoint = writeCheckpoint({
    parameters: trainable.map(tensor),
    frozen: ["mean", "variance"].map(tensor),
  });
  return {
    model,
    files: { training: writeModel(model), checkpoint },
    batch,
    parameters,
    trainable,
  };
}

Deno.test("artifacts of contributed operators have the gradients of the training kernels", async () => {
  const { model: official, files, batch, parameters, trainable } = contributedTraining();
  const read = readArtifacts(files);
  assert.deepEqual(
    [read.loss, read.trainable, read.frozen, read.inputs, read.outputs],
    ["loss", trainable, ["mean", "variance"], ["x", "labels"], ["loss", "z"]],
  );
  const { node, initializer } = read.model.graph!;
  assert.deepEqual(node.map((n) => n.output), [["n"], ["r"], ["p"], ["f"], ["z"], ["loss"]]);
  assert.deepEqual(initializer.map((t) => t.name), ["s", "t", "w", "mean", "variance"]);
  assert.deepEqual(read.model.opsetImport.map((o) => o.domain), ["", MICROSOFT]);
  // From the older folder as well.
  const sequence = (tensors: readonly TensorProto[]) => {
    const writer = new BinaryWriter().uint32(tensors.length);
    for (const t of tensors) writer.bytes(TensorProto.encode(t).finish());
    return writer.finish();
  };
  const older = readArtifacts({
    ...files,
    checkpoint: {
      "paramtrain_tensors.pbseq": sequence(read.checkpoint.parameters),
      "paramfrozen_tensors.pbseq": sequence(read.checkpoint.frozen),
    },
  });
  assert.deepEqual(writeModel(older.model), writeModel(read.model));
  assert.equal(read.evaluation, undefined);
  assert.equal(read.optimizer, undefined);

  const feeds: Record<string, Value> = {
    ...batch,
    ...parameters,
    [RESET]: { dims: [1], data: [1], type: DataType.BOOL },
  };
  for (const name of trainable) {
    feeds[bufferOf(name)] = { ...parameters[name]!, data: parameters[name]!.data.map(() => 0) };
    official.graph!.output.push(create(ValueInfoProto, { name: gradientOf(name) }));
  }
  const expected = await runModel(official, feeds, await oracleOrt());
  const gradient = differentiate(read.model, {
    output: read.loss,
    trainable,
    parameters: "constants",
  });
  assert.ok(gradient.model.graph!.node.every((n) => n.domain === ""));
  const actual = await runModel(gradient.model, batch);
  compare(actual["loss"]!.data, expected["loss"]!.data, 1e-5, "loss");
  for (const name of trainable) {
    const found = actual[gradient.gradients.get(name)!]!;
    compare(found.data, expected[gradientOf(name)]!.data, 1e-5, name);
  }
});

Deno.test("readArtifacts() refuses a checkpoint that lacks a parameter or has another shape", () => {
  const { files, trainable } = contributedTraining();
  const other = (name: string, dims: number[]) =>
    makeTensor(name, DataType.FLOAT, dims, new Float32Array(dims.reduce((a, d) => a * d, 1)));
  const read = (parameters: TensorProto[], nominal = false) => () =>
    readArtifacts({ ...files, checkpoint: writeCheckpoint({ parameters, nominal }) });
  assert.throws(read([other("s", [3])]), /parameter "t" is missing in the checkpoint/);
  assert.throws(
    read(trainable.map((name) => other(name, [3]))),
    /parameter "w" is FLOAT \[9,4\] in the training model, FLOAT \[3\] in the checkpoint/,
  );
  assert.throws(read([], true), /the checkpoint is nominal/);
});
