import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { Builder } from "flatbuffers";
import assert from "node:assert/strict";
import { DataType } from "../model/data_type.ts";
import { OnnxError } from "../model/onnx_error.ts";
import { makeTensor, tensorData } from "../model/tensor.ts";
import { create } from "../proto/create.ts";
import { TensorProto } from "../proto/onnx_pb.ts";
import { artifactSets, fixture, haveFixtures, openTraining } from "./_testing.ts";
import type { Checkpoint } from "./checkpoint_types.ts";
import { readCheckpoint } from "./checkpoint.ts";
import { writeCheckpoint } from "./write_checkpoint.ts";

const floats = (name: string, dims: number[], ...values: number[]) =>
  makeTensor(name, DataType.FLOAT, dims, Float32Array.from(values));

function state(): Checkpoint {
  return {
    parameters: [
      floats("a", [2, 1], 1, 2),
      makeTensor("b", DataType.DOUBLE, [], Float64Array.of(3)),
    ],
    frozen: [
      makeTensor("ids", DataType.INT64, [2], BigInt64Array.of(2n ** 62n, -1n)),
      create(TensorProto, {
        name: "words",
        dataType: DataType.STRING,
        dims: [2n],
        stringData: [new TextEncoder().encode("α"), new Uint8Array()],
      }),
    ],
    optimizerGroups: [{
      name: "group0",
      step: 7,
      initialLearningRate: 0.5,
      momenta: new Map([["a", [
        floats("momentum0", [2, 1], 5, 6),
        floats("momentum1", [2, 1], 7, 8),
      ]]]),
    }],
    properties: new Map<string, bigint | number | string>([
      ["epoch", 2n ** 40n],
      ["best", 0.25],
      ["note", "größer"],
    ]),
    nominal: false,
  };
}

Deno.test("a checkpoint survives a round trip, byte by byte", () => {
  const bytes = writeCheckpoint(state());
  const read = readCheckpoint(bytes);
  assert.deepEqual(summary(read), summary(state()));
  assert.deepEqual(writeCheckpoint(read), bytes);
});

Deno.test("a checkpoint's tensors are aligned views on its file", () => {
  const bytes = writeCheckpoint(state()).slice();
  const { parameters, frozen } = readCheckpoint(bytes);
  for (const tensor of [...parameters, frozen[0]!]) {
    assert.equal(tensorData(tensor).buffer, bytes.buffer, tensor.name);
  }
});

Deno.test("parameters alone make a checkpoint", () => {
  const read = readCheckpoint(writeCheckpoint({ parameters: [floats("w", [1], 2)] }));
  assert.deepEqual(summary(read).parameters, [["w", [1n], [2]]]);
  assert.deepEqual([read.frozen, read.optimizerGroups, read.properties.size], [[], [], 0]);
});

Deno.test("a nominal checkpoint has names and shapes without data", () => {
  const empty = create(TensorProto, {
    name: "w",
    dataType: DataType.FLOAT,
    dims: [3n],
    rawData: new Uint8Array(),
  });
  const read = readCheckpoint(writeCheckpoint({ parameters: [empty], nominal: true }));
  assert.equal(read.nominal, true);
  assert.deepEqual(read.parameters[0]!.dims, [3n]);
  assert.throws(
    () => writeCheckpoint({ parameters: [empty] }),
    /"w": shape \[3\] of FLOAT needs 3/,
  );
});

Deno.test("what is not a checkpoint is refused with a byte", () => {
  const bytes = writeCheckpoint(state()).slice();
  const edited = (at: number, value: number) => {
    const copy = bytes.slice();
    new DataView(copy.buffer).setUint32(at, value, true);
    return copy;
  };
  const root = new DataView(bytes.buffer).getUint32(0, true);
  const cases: [bytes: Uint8Array, offset: number, message: RegExp][] = [
    [new Uint8Array(), 0, /the header ends outside of the file/],
    [edited(4, 0x5443444f), 4, /expected the identifier "ODTC", actual is "ODCT"/],
    [edited(0, 0xfffffff0), 0xfffffff0, /the root table ends outside/],
    [edited(root, 0x7fffffff), 0, /a table's layout ends outside/],
    [bytes.subarray(0, 64), 0, /ends outside of the file/],
  ];
  for (const [bytes, , message] of cases) {
    assert.throws(
      () => readCheckpoint(bytes),
      (e) => e instanceof OnnxError && message.test(e.message) && e.offset! <= bytes.length,
      String(message),
    );
  }
  const version = new DataView(bytes.buffer).getInt32(root, true);
  const slot = new DataView(bytes.buffer).getUint16(root - version + 4, true);
  assert.throws(
    () => readCheckpoint(edited(root + slot, 3)),
    /expected version 1 or 2, actual version is 3/,
  );
  assert.throws(
    () => writeCheckpoint({ parameters: [floats("w", [1], 2)], frozen: [floats("w", [1], 2)] }),
    /parameter "w" is given twice/,
  );
});

/** A checkpoint of `count` times the same tensor, its data in a data file from byte 8 on. */
function byHand(count: number, hasExternalData: boolean): Uint8Array {
  const builder = new Builder();
  const name = builder.createString("w");
  builder.startVector(8, 1, 8);
  builder.addInt64(2n);
  const dims = builder.endVector();
  builder.startObject(7);
  builder.addFieldOffset(0, name, 0);
  builder.addFieldOffset(2, dims, 0);
  builder.addFieldInt32(3, DataType.FLOAT, 0);
  builder.addFieldInt64(6, 8n, -1n);
  const tensor = builder.endObject();
  builder.startVector(4, count, 4);
  for (let k = 0; k < count; k++) builder.addOffset(tensor);
  const tensors = builder.endVector();
  builder.startObject(4);
  builder.addFieldOffset(0, tensors, 0);
  builder.addFieldInt8(3, hasExternalData ? 1 : 0, 0);
  const module = builder.endObject();
  builder.startObject(4);
  builder.addFieldInt32(0, 2, 0);
  builder.addFieldOffset(1, module, 0);
  builder.finish(builder.endObject(), "ODTC");
  return builder.asUint8Array();
}

Deno.test("a checkpoint's tensors may be in a data file", () => {
  const externalData = new Uint8Array(Float32Array.of(0, 0, 5, 6).buffer);
  const [w] = readCheckpoint(byHand(1, true), { externalData }).parameters;
  assert.deepEqual(tensorData(w!), Float32Array.of(5, 6));
  assert.equal(tensorData(w!).buffer, externalData.buffer);
  const refused = (message: RegExp, external?: Uint8Array) =>
    assert.throws(
      () =>
        readCheckpoint(
          byHand(1, true),
          external === undefined ? {} : { externalData: external },
        ),
      message,
    );
  refused(/tensor "w" of the checkpoint: its data are in a data file, which was not given/);
  refused(/its data are at 8 of a data file of 12 bytes/, externalData.subarray(4));
  assert.throws(() => readCheckpoint(byHand(1, false)), /needs 8 bytes, the data have 0/);
});

Deno.test("a small checkpoint does not unfold into a large one", () => {
  const externalData = new Uint8Array(16);
  assert.throws(
    () => readCheckpoint(byHand(50_000, true), { externalData }),
    /its parts overlap too often/,
  );
  assert.throws(
    () => readCheckpoint(byHand(2, true), { externalData }),
    /parameter "w" is given twice/,
  );
});

/** The old folder form, written as ONNX Runtime 1.15 did. */
function sequence(...tensors: TensorProto[]): Uint8Array {
  const writer = new BinaryWriter().uint32(tensors.length);
  for (const tensor of tensors) writer.bytes(TensorProto.encode(tensor).finish());
  return writer.finish();
}

Deno.test("the folder form is read", () => {
  const { parameters, frozen, optimizerGroups: [group], properties } = state();
  const [m0, m1] = group!.momenta.get("a")!;
  const text = create(TensorProto, {
    name: "note",
    dataType: DataType.STRING,
    stringData: [new TextEncoder().encode(properties.get("note") as string)],
  });
  const folder = {
    "checkpoint/paramtrain_tensors.pbseq": sequence(...parameters),
    "checkpoint/paramfrozen_tensors.pbseq": sequence(...frozen),
    "checkpoint/optim_group0_momentum1_tensors.pbseq": sequence({ ...m1!, name: "a" }),
    "checkpoint/optim_group0_momentum0_tensors.pbseq": sequence({ ...m0!, name: "a" }),
    "checkpoint/optim_group0_properties.pbseq": sequence(
      floats("builtin.initial_learning_rate", [1], 0.5),
      create(TensorProto, {
        name: "builtin.step",
        dataType: DataType.INT64,
        int64Data: [7n],
      }),
    ),
    "checkpoint/custom_properties.pbseq": sequence(
      makeTensor("epoch", DataType.INT64, [1], BigInt64Array.of(2n ** 40n)),
      floats("best", [1], 0.25),
      text,
    ),
  };
  assert.deepEqual(summary(readCheckpoint(folder)), summary(state()));
  const train = folder["checkpoint/paramtrain_tensors.pbseq"];
  const refused = (bytes: Uint8Array, offset: number, message: RegExp) =>
    assert.throws(
      () => readCheckpoint({ "paramtrain_tensors.pbseq": bytes }),
      (e) => e instanceof OnnxError && e.offset === offset && message.test(e.message),
      String(message),
    );
  refused(new Uint8Array(), 0, /the number of tensors does not end \(byte 0 of 0\)/);
  refused(train.subarray(0, 9), 1, /tensor 0 of 2 has \d+ bytes, 7 are left/);
  refused(new Uint8Array([2, 0]), 2, /the length of tensor 1 of 2 does not end/);
  refused(new Uint8Array([1, 2, 0xff, 0xff]), 2, /tensor 0 of 1 in "paramtrain_tensors.pbseq": a/);
  refused(new Uint8Array([0, 7]), 1, /1 bytes follow the last tensor/);
  assert.throws(() => readCheckpoint({ x: train }), /has no "paramtrain_tensors.pbseq", only "x"/);
});

/** What can be compared: tensors by name with their elements. */
function summary({ parameters, frozen, optimizerGroups, properties }: Checkpoint) {
  const tensor = (t: TensorProto) => [
    t.name,
    t.dims,
    t.dataType === DataType.STRING ? t.stringData.map(String) : Array.from(tensorData(t) as never),
  ];
  return {
    parameters: parameters.map(tensor),
    frozen: frozen.map(tensor),
    groups: optimizerGroups.map(({ momenta, ...rest }) => ({
      ...rest,
      momenta: [...momenta].map(([name, list]) => [name, list.map(tensor)]),
    })),
    properties: new Map(properties),
  };
}

if (haveFixtures) {
  Deno.test("official checkpoints are read, of version 1 and 2", () => {
    const found = artifactSets.map((set) => {
      const { parameters, frozen } = readCheckpoint(fixture(set.checkpoint));
      const count = (list: readonly TensorProto[]) =>
        list.reduce((sum, t) => sum + tensorData(t).length, 0);
      return [set.name, parameters.length, count(parameters), frozen.length, count(frozen)];
    });
    const mlp = 784 * 500 + 500 + 500 * 10 + 10;
    const head = 100 * 128 * 16 + 100 + 2 * 100 + 2;
    const backbone = 128 * 18 * 3 + 2 * 128 * 128 * 3 + 3 * 128;
    assert.deepEqual(found, [
      ["mnist-web-demo", 4, mlp, 0, 0],
      ["ort-training-api", 4, mlp, 0, 0],
      ["seizure-head", 4, head, 6, backbone],
    ]);
  });

  Deno.test("ONNX Runtime 1.19.2 trains alike from a checkpoint and from its rewritten form", async () => {
    const input = new TextDecoder().decode(fixture("ort-training-api/input-0.in"));
    const values: number[] = input.match(/\[.*?\]/g)!.flatMap((row) => JSON.parse(row));
    const feeds = {
      "input-0": { dims: [2, 784], data: values.slice(0, 2 * 784) },
      labels: { dims: [2], data: [1, 1], type: DataType.INT32 },
    };
    const set = artifactSets[1]!;
    const original = fixture(set.checkpoint);
    const losses = async (checkpoint: Uint8Array) => {
      const training = await openTraining({
        checkpoint,
        training: fixture(set.training),
        optimizer: fixture(set.optimizer),
      });
      const found: number[] = [];
      for (let step = 0; step < 3; step++) {
        found.push(await training.trainStep(feeds));
        await training.optimizerStep();
        await training.resetGradients();
      }
      await training.release();
      return found;
    };
    const expected = await losses(original);
    assert.ok(Math.abs(expected[0]! - 2.1786249) < 1e-5, `${expected}`);
    assert.ok(Math.abs(expected[1]! - 0.36050943) < 1e-5, `${expected}`);
    const read = readCheckpoint(original);
    assert.deepEqual(await losses(writeCheckpoint(read)), expected);
    // With an optimizer's state and properties it loads as well.
    const zeros = (of: TensorProto, k: number) => ({
      ...of,
      name: `momentum${k}`,
      rawData: new Uint8Array(of.rawData!.length),
    });
    const full = writeCheckpoint({
      ...read,
      properties: state().properties,
      optimizerGroups: [{
        name: "group0",
        step: 0,
        initialLearningRate: 0.001,
        momenta: new Map(read.parameters.map((p) => [p.name, [zeros(p, 0), zeros(p, 1)]])),
      }],
    });
    assert.deepEqual(await losses(full), expected);
  });
}

Deno.test("readCheckpoint() refuses what is no bytes by what it is", () => {
  for (const given of ["checkpoint", undefined, null, new ArrayBuffer(8)]) {
    assert.throws(() => readCheckpoint(given as unknown as Uint8Array), {
      name: "TypeError",
      message: /^Cannot read the checkpoint: expected its bytes as a Uint8Array, given is \w+$/,
    });
  }
});
