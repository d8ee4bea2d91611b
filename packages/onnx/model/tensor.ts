/** @module */
import { create } from "../proto/create.ts";
import { TensorProto } from "../proto/onnx_pb.ts";
import { clampedNumber } from "./attributes.ts";
import {
  arrayFor,
  bytesPerElement,
  DataType,
  dataTypeName,
  type TensorArray,
} from "./data_type.ts";
import { OnnxError } from "./onnx_error.ts";

/** The bytes of an array, without a copy. */
export function bytesOf(data: TensorArray): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength) as Uint8Array;
}

/** Arrays whose bytes are those of another kind. */
const ALSO: Readonly<Record<string, string>> = {
  Float16Array: "Uint16Array",
  Uint8ClampedArray: "Uint8Array",
};

/**
 * A tensor message over `data`, which is not copied.
 *
 * @throws {OnnxError} When `dims` and the number of elements disagree, or the array is one of another type.
 *
 * @example
 * ```ts
 * import { DataType, makeTensor, tensorData, tensorDims } from "@precond/onnx";
 * import assert from "node:assert/strict";
 *
 * const w = makeTensor("w", DataType.FLOAT, [2, 1], Float32Array.of(1, 2));
 * assert.deepEqual([...tensorDims(w), ...tensorData(w)], [2, 1, 1, 2]);
 * ```
 */
export function makeTensor(
  name: string,
  dataType: DataType,
  dims: readonly number[],
  data: TensorArray,
): TensorProto {
  const size = dims.reduce((a, b) => a * b, 1);
  // Arrays of other realms have other constructors.
  const kind = Object.prototype.toString.call(data).slice(8, -1);
  const wanted = bytesPerElement(dataType) === undefined ? kind : arrayFor(dataType, name).name;
  if (kind !== wanted && ALSO[kind] !== wanted) {
    throw new OnnxError(
      `Cannot make tensor "${name}": elements of ${dataTypeName(dataType)} come in a ${wanted}, ` +
        `given is ${kind}`,
    );
  }
  if (data.length !== size) {
    throw new OnnxError(
      `Cannot make tensor "${name}": shape [${dims}] has ${size} elements, data has ${data.length}`,
    );
  }
  return create(TensorProto, {
    name,
    dataType,
    dims: dims.map(BigInt),
    rawData: bytesOf(data) as Uint8Array<ArrayBuffer>,
  });
}

/** The shape of a tensor as numbers; a negative or absurd one is refused by name. */
export function tensorDims(tensor: TensorProto): number[] {
  return tensor.dims.map((dim) => {
    if (dim < 0n || dim > BigInt(Number.MAX_SAFE_INTEGER)) {
      throw new OnnxError(`Cannot read tensor "${tensor.name}": shape is [${tensor.dims}]`);
    }
    return Number(dim);
  });
}

/** Elements of a tensor: the product of its shape. */
export function tensorSize(tensor: TensorProto): number {
  return tensorDims(tensor).reduce((a, b) => a * b, 1);
}

/** The typed field that holds elements of a type where `raw_data` is absent. */
function typedField(tensor: TensorProto): readonly (number | bigint)[] {
  switch (tensor.dataType) {
    case DataType.FLOAT:
      return tensor.floatData;
    case DataType.DOUBLE:
      return tensor.doubleData;
    case DataType.INT64:
      return tensor.int64Data;
    case DataType.UINT32:
    case DataType.UINT64:
      return tensor.uint64Data;
    default:
      return tensor.int32Data;
  }
}

/**
 * The elements of a tensor: a view on the file's bytes where their alignment allows it, else a
 * copy; float16 and bfloat16 as bits, bool as bytes.
 *
 * @throws {OnnxError} When length and shape disagree, the data are in another file that was not
 *   given, or the elements are not numbers.
 */
export function tensorData(tensor: TensorProto): TensorArray {
  const size = tensorSize(tensor);
  const array = arrayFor(tensor.dataType, tensor.name);
  if (tensor.dataLocation === 1) {
    const location = tensor.externalData.find((entry) => entry.key === "location")?.value;
    throw new OnnxError(
      `Cannot read tensor "${tensor.name}": its data are in the file "${location}", ` +
        `which readModel() was not given`,
    );
  }
  const refuse = (actual: string) => {
    throw new OnnxError(
      `Cannot read tensor "${tensor.name}": shape [${tensor.dims}] of ` +
        `${dataTypeName(tensor.dataType)} needs ${size} elements, the data have ${actual}`,
    );
  };
  const raw = tensor.rawData;
  if (raw !== undefined) {
    const width = array.BYTES_PER_ELEMENT;
    if (raw.byteLength !== size * width) refuse(`${raw.byteLength} bytes`);
    if (raw.byteOffset % width === 0) return new array(raw.buffer, raw.byteOffset, size);
    const copy = new array(size);
    bytesOf(copy).set(raw);
    return copy;
  }
  const values = typedField(tensor);
  if (values.length !== size) refuse(`${values.length} elements`);
  const data = new array(size) as Float64Array;
  const wide = data instanceof BigInt64Array || data instanceof BigUint64Array;
  for (let i = 0; i < size; i++) {
    data[i] = (wide ? BigInt(values[i]!) : Number(values[i]!)) as number;
  }
  return data;
}

/** The elements of an integer tensor as numbers, the largest int64 as the largest safe integer. */
export function tensorIntegers(tensor: TensorProto): number[] {
  const data = tensorData(tensor) as ArrayLike<number | bigint>;
  return Array.from(data, (v) => clampedNumber(BigInt(v)));
}
