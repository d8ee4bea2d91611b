import assert from "node:assert/strict";
import { create } from "../proto/create.ts";
import { TensorProto } from "../proto/onnx_pb.ts";
import { DataType, type TensorArray } from "./data_type.ts";
import { OnnxError } from "./onnx_error.ts";
import { makeTensor, tensorData, tensorDims } from "./tensor.ts";

type Fields = Partial<TensorProto>;
const typed = (dataType: number, fields: Fields) =>
  create(TensorProto, { name: "t", dataType, dims: [2n], ...fields });

/** Each element type with its typed field and the array that it becomes. */
const TYPED: readonly [name: keyof typeof DataType, fields: Fields, expected: TensorArray][] = [
  ["FLOAT", { floatData: [0.5, -1] }, Float32Array.of(0.5, -1)],
  ["DOUBLE", { doubleData: [0.1, -1e300] }, Float64Array.of(0.1, -1e300)],
  ["INT64", { int64Data: [-(2n ** 62n), 3n] }, BigInt64Array.of(-(2n ** 62n), 3n)],
  ["UINT64", { uint64Data: [2n ** 63n, 3n] }, BigUint64Array.of(2n ** 63n, 3n)],
  ["UINT32", { uint64Data: [2n ** 31n, 3n] }, Uint32Array.of(2 ** 31, 3)],
  ["INT32", { int32Data: [-(2 ** 31), 7] }, Int32Array.of(-(2 ** 31), 7)],
  ["INT16", { int32Data: [-300, 7] }, Int16Array.of(-300, 7)],
  ["UINT16", { int32Data: [65535, 7] }, Uint16Array.of(65535, 7)],
  ["INT8", { int32Data: [-128, 7] }, Int8Array.of(-128, 7)],
  ["UINT8", { int32Data: [255, 7] }, Uint8Array.of(255, 7)],
  ["BOOL", { int32Data: [1, 0] }, Uint8Array.of(1, 0)],
  // Bits: 1.0 and -2.0.
  ["FLOAT16", { int32Data: [0x3c00, 0xc000] }, Uint16Array.of(0x3c00, 0xc000)],
  ["BFLOAT16", { int32Data: [0x3f80, 0xc000] }, Uint16Array.of(0x3f80, 0xc000)],
];

Deno.test("tensorData() reads every typed field", () => {
  for (const [name, fields, expected] of TYPED) {
    assert.deepEqual(tensorData(typed(DataType[name], fields)), expected, name);
  }
});

Deno.test("tensorData() reads the same elements as raw bytes, at any alignment", () => {
  for (const [name, , expected] of TYPED) {
    const bytes = new Uint8Array(expected.buffer);
    assert.deepEqual(tensorData(makeTensor("t", DataType[name], [2], expected)), expected, name);
    const odd = new Uint8Array(bytes.length + 1).subarray(1);
    odd.set(bytes);
    assert.deepEqual(tensorData(typed(DataType[name], { rawData: odd })), expected, name);
  }
});

Deno.test("tensorData() is a view where the alignment allows it", () => {
  const data = Float32Array.of(1, 2);
  const tensor = makeTensor("t", DataType.FLOAT, [2], data);
  assert.equal(tensorData(tensor).buffer, data.buffer);
});

Deno.test("tensorData() refuses a wrong number of elements, strings and absurd shapes", () => {
  const refused = (fields: Fields, message: RegExp, type: number = DataType.FLOAT) =>
    assert.throws(
      () => tensorData(typed(type, fields)),
      (e) => e instanceof OnnxError && message.test(e.message),
    );
  refused({ floatData: [1] }, /"t": shape \[2\] of FLOAT needs 2 elements, the data have 1 elem/);
  refused({}, /needs 2 elements, the data have 0 elements/);
  refused({ rawData: new Uint8Array(7) }, /needs 2 elements, the data have 7 bytes/);
  refused({ stringData: [] }, /expected numbers, actual type is STRING/, DataType.STRING);
  refused({}, /expected numbers, actual type is type 22/, 22);
  refused({ dims: [-1n] }, /shape is \[-1\]/);
  refused({ dims: [2n ** 60n] }, /shape is \[1152921504606846976\]/);
  refused({ dims: [2n ** 40n, 2n ** 40n], rawData: new Uint8Array(8) }, /the data have 8 bytes/);
  assert.throws(() => makeTensor("t", DataType.FLOAT, [3], Float32Array.of(1)), OnnxError);
});

Deno.test("tensorDims() of a scalar is empty", () => {
  const tensor = makeTensor("t", DataType.DOUBLE, [], Float64Array.of(2));
  assert.deepEqual(tensorDims(tensor), []);
  assert.deepEqual(tensorData(tensor), Float64Array.of(2));
});
