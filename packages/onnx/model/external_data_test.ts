import assert from "node:assert/strict";
import { makeModel, makeNode, normal } from "../_testing.ts";
import { create } from "../proto/create.ts";
import { type ModelProto, TensorProto } from "../proto/onnx_pb.ts";
import { DataType } from "./data_type.ts";
import { OnnxError } from "./onnx_error.ts";
import { readModel, writeModel } from "./read_model.ts";
import { tensorData } from "./tensor.ts";

const big = normal(1, [40, 50]);
const small = normal(2, [3]);

function model(): ModelProto {
  const made = makeModel({
    nodes: [makeNode("MatMul", ["x", "w"], ["y"])],
    inputs: { x: normal(3, [2, 40]) },
    initializers: { w: big, c: small, w2: big },
    outputs: ["y"],
  });
  made.graph!.initializer.push(create(TensorProto, {
    name: "s",
    dataType: DataType.STRING,
    dims: [1n],
    stringData: [new Uint8Array(5000)],
  }));
  return made;
}

Deno.test("writeModel() moves large tensors to a data file, on pages, and readModel() finds them", () => {
  const original = model();
  const before = writeModel(original);
  const { bytes, data } = writeModel(original, { externalData: { location: "a/w.data" } });
  assert.deepEqual(writeModel(original), before, "the given model is not changed");
  assert.ok(bytes.length < 7000);
  const [w, c, w2, s] = readModel(bytes).graph!.initializer;
  assert.deepEqual(
    w2!.externalData.map(({ key, value }) => [key, value]),
    [["location", "a/w.data"], ["offset", "16384"], ["length", "16000"]],
  );
  assert.equal(w!.rawData, undefined);
  assert.equal(c!.dataLocation, 0);
  assert.equal(s!.stringData[0]!.length, 5000);
  assert.equal(data.length, 16384 + 16000);

  const read = readModel(bytes, { externalData: { "a/w.data": data } });
  const values = tensorData(read.graph!.initializer[2]!);
  assert.deepEqual([...values], big.data);
  assert.equal(values.buffer, data.buffer, "a view");
  assert.deepEqual(writeModel(read), before);
});

Deno.test("readModel() asks a function for each tensor's bytes", () => {
  const { bytes, data } = writeModel(model(), { externalData: { location: "w", threshold: 0 } });
  const calls: unknown[] = [];
  const read = readModel(bytes, {
    externalData: (location, offset, length) => {
      calls.push([location, offset, length]);
      return data.subarray(offset, offset + length!);
    },
  });
  assert.deepEqual(calls, [["w", 0, 16000], ["w", 16384, 24], ["w", 20480, 16000]]);
  assert.deepEqual([...tensorData(read.graph!.initializer[1]!)], small.data);
});

Deno.test("a tensor whose data file was not given is refused by name when it is read", () => {
  const { bytes } = writeModel(model(), { externalData: { location: "w.data" } });
  const [w] = readModel(bytes).graph!.initializer;
  assert.throws(
    () => tensorData(w!),
    /"w": its data are in the file "w.data", which readModel\(\)/,
  );
});

/** A model whose tensor "w" (float [2]) has the given entries. */
function external(entries: Record<string, string>, dataType: number = DataType.FLOAT): Uint8Array {
  const made = makeModel({ nodes: [], outputs: [] });
  made.graph!.initializer.push(create(TensorProto, {
    name: "w",
    dataType,
    dims: [2n],
    dataLocation: 1,
    externalData: Object.entries(entries).map(([key, value]) => ({ key, value })),
  }));
  return writeModel(made);
}

Deno.test("external data without a length reach as far as the shape says", () => {
  const file = new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer);
  const bytes = external({ location: "f", offset: "4" });
  const [w] = readModel(bytes, { externalData: { f: file } }).graph!.initializer;
  assert.deepEqual(tensorData(w!), Float32Array.of(2, 3));
});

Deno.test("readModel() refuses external data outside of the folder or the file", () => {
  const file = new Uint8Array(12);
  const cases: [entries: Record<string, string>, message: RegExp, type?: number][] = [
    [{}, /location "" is not a path below/],
    [{ location: "../f" }, /location "\.\.\/f" is not a path below the model's folder/],
    [{ location: "a/../../f" }, /is not a path below/],
    [{ location: "a\\..\\f" }, /is not a path below/],
    [{ location: "/etc/passwd" }, /is not a path below/],
    [{ location: "C:f" }, /is not a path below/],
    [{ location: "\\\\host\\f" }, /is not a path below/],
    [{ location: "f\0" }, /is not a path below/],
    [{ location: "g" }, /"g" was not given, only "f"/],
    [{ location: "toString" }, /"toString" was not given/],
    [{ location: "f", offset: "-4" }, /offset is "-4"/],
    [{ location: "f", offset: "1e1" }, /offset is "1e1"/],
    [{ location: "f", offset: "99999999999999999999" }, /offset is "9+"/],
    [{ location: "f", offset: "8" }, /"f" has 12 bytes, needed are 8 to 16/],
    [{ location: "f", offset: "100", length: "8" }, /"f" has 12 bytes/],
    [{ location: "f", length: "-8" }, /length is "-8"/],
    [{ location: "f", length: "12" }, /shape \[2\] needs 8 bytes, its length is 12/],
    [{ location: "f", length: "4" }, /shape \[2\] needs 8 bytes, its length is 4/],
    [{ location: "f" }, /strings cannot be in a data file/, DataType.STRING],
  ];
  for (const [entries, message, type] of cases) {
    assert.throws(
      () => readModel(external(entries, type), { externalData: { f: file } }),
      (e) =>
        e instanceof OnnxError && message.test(e.message) &&
        e.message.startsWith('Cannot read tensor "w" from its data file: '),
      JSON.stringify(entries),
    );
  }
  const short = () => new Uint8Array(4);
  const throwing = (): Uint8Array => {
    throw new Error("no such file");
  };
  const bytes = external({ location: "f" });
  assert.throws(() => readModel(bytes, { externalData: short }), /gave 4 of 8 bytes at 0/);
  assert.throws(() => readModel(bytes, { externalData: throwing }), /"f": no such file/);
});

Deno.test("writeModel() refuses a data file outside of the folder", () => {
  const write = (location: string, threshold?: number) => () =>
    writeModel(model(), {
      externalData: { location, ...(threshold === undefined ? {} : { threshold }) },
    });
  assert.throws(write("../w"), /location "\.\.\/w" is not a path below its folder/);
  assert.throws(write("w", NaN), /threshold must not be negative, current value is NaN/);
});
