import { BinaryWriter } from "@bufbuild/protobuf/wire";
import assert from "node:assert/strict";
import { makeModel, makeNode, normal } from "../_testing.ts";
import { differentiate } from "../differentiate/differentiate.ts";
import { dice, fuzz, mutateBytes, mutateModel } from "../scenarios/damaged_files.ts";
import { DataType } from "../model/data_type.ts";
import { makeTensor, tensorData } from "../model/tensor.ts";
import { create } from "../proto/create.ts";
import { TensorProto } from "../proto/onnx_pb.ts";
import { artifactSets, fixture, haveFixtures } from "./_testing.ts";
import type { Checkpoint, CheckpointFolder } from "./checkpoint_types.ts";
import { readCheckpoint } from "./checkpoint.ts";
import { generateArtifacts } from "./generate_artifacts.ts";
import { readArtifacts } from "./read_artifacts.ts";
import { writeCheckpoint } from "./write_checkpoint.ts";

const tensor = (name: string, length: number) =>
  makeTensor(name, DataType.FLOAT, [length], new Float32Array(length).fill(1));

const words = create(TensorProto, {
  name: "words",
  dataType: DataType.STRING,
  dims: [2n],
  stringData: [new Uint8Array([65]), new Uint8Array([66, 67])],
});

const small = writeCheckpoint({
  parameters: [tensor("a", 3), tensor("b", 5)],
  frozen: [tensor("c", 1), words],
  optimizerGroups: [{
    name: "group0",
    step: 3,
    initialLearningRate: 0.1,
    momenta: new Map([["a", [tensor("momentum0", 3), tensor("momentum1", 3)]]]),
  }],
  properties: new Map<string, bigint | number | string>([["i", 1n], ["f", 0.5], ["s", "text"]]),
});

/** Reads all that a checkpoint holds. */
function readAll({ parameters, frozen, optimizerGroups }: Checkpoint): void {
  const momenta = optimizerGroups.flatMap((group) => [...group.momenta.values()].flat());
  for (const t of [...parameters, ...frozen, ...momenta]) {
    if (t.dataType !== DataType.STRING && t.rawData?.length !== 0) tensorData(t);
  }
}

Deno.test("5,000 damaged checkpoints are read or refused", () => {
  const report = fuzz(
    5000,
    (seed) => mutateBytes(small, dice(seed)),
    (bytes) => readAll(readCheckpoint(bytes)),
  );
  assert.ok(report.refused > 2000 && report.accepted > 100, JSON.stringify(report));
});

Deno.test("1,000 damaged checkpoint folders are read or refused", () => {
  const sequence = (...tensors: TensorProto[]) => {
    const writer = new BinaryWriter().uint32(tensors.length);
    for (const t of tensors) writer.bytes(TensorProto.encode(t).finish());
    return writer.finish();
  };
  const step = makeTensor("builtin.step", DataType.INT64, [1], BigInt64Array.of(3n));
  const folder: CheckpointFolder = {
    "paramtrain_tensors.pbseq": sequence(tensor("a", 3), tensor("b", 5)),
    "paramfrozen_tensors.pbseq": sequence(tensor("c", 1), words),
    "optim_group0_momentum0_tensors.pbseq": sequence(tensor("a", 3)),
    "optim_group0_properties.pbseq": sequence(step),
    "custom_properties.pbseq": sequence(tensor("f", 1), { ...words, name: "s" }),
  };
  const names = Object.keys(folder);
  for (const name of names) {
    const report = fuzz(
      1000 / names.length,
      (seed) => mutateBytes(folder[name]!, dice(seed)),
      (bytes) => readCheckpoint({ ...folder, [name]: bytes }),
    );
    assert.ok(report.refused > 0 && report.accepted > 0, `${name}: ${JSON.stringify(report)}`);
  }
});

Deno.test("1,000 damaged training models are read and differentiated, or refused", () => {
  const model = makeModel({
    nodes: [makeNode("Gemm", ["x", "w", "b"], ["h"]), makeNode("Tanh", ["h"], ["y"])],
    inputs: { x: { ...normal(1, [2, 3]), type: DataType.FLOAT } },
    initializers: {
      w: { ...normal(2, [3, 4]), type: DataType.FLOAT },
      b: { ...normal(3, [4]), type: DataType.FLOAT },
    },
    outputs: ["y"],
  });
  const files = generateArtifacts(model, { loss: { type: "mse" } });
  const use = (damaged: Uint8Array) => {
    const read = readArtifacts({ ...files, training: damaged });
    differentiate(read.model, { output: read.loss, trainable: read.trainable });
    readArtifacts({ ...files, eval: damaged });
  };
  use(files.training);
  for (const mutate of [mutateBytes, mutateModel]) {
    const report = fuzz(500, (seed) => mutate(files.training, dice(seed)), use);
    assert.ok(report.refused > 50, JSON.stringify(report));
  }
});

if (haveFixtures) {
  Deno.test("500 damaged official checkpoints are read or refused", () => {
    const files = artifactSets.map((set) => fixture(set.checkpoint));
    // Most of a file is elements: damage only what is structure, at both ends.
    const damaged = (seed: number) => {
      const d = dice(seed);
      const file = d.pick(files);
      const [head, tail] = [file.subarray(0, 256), file.subarray(file.length - 512)];
      const parts = d.below(2) === 0
        ? [mutateBytes(head, d), file.subarray(256)]
        : [file.subarray(0, file.length - 512), mutateBytes(tail, d)];
      const bytes = new Uint8Array(parts[0]!.length + parts[1]!.length);
      bytes.set(parts[0]!);
      bytes.set(parts[1]!, parts[0]!.length);
      return bytes;
    };
    const report = fuzz(500, damaged, (bytes) => readAll(readCheckpoint(bytes)));
    assert.ok(report.refused > 50, JSON.stringify(report));
  });
}
