/**
 * Element types: ONNX's numbers, ONNX Runtime's names, and the arrays that hold them.
 *
 * @module
 */
import { DataType } from "@precond/onnx/on_demand";
import type { Tensor } from "../../hosts/ort.ts";

/** ONNX Runtime's names of ONNX's element types. */
export const ortTypes: Readonly<Record<number, Tensor.Type>> = {
  [DataType.FLOAT]: "float32",
  [DataType.DOUBLE]: "float64",
  [DataType.FLOAT16]: "float16",
  [DataType.INT64]: "int64",
  [DataType.INT32]: "int32",
  [DataType.INT16]: "int16",
  [DataType.INT8]: "int8",
  [DataType.UINT64]: "uint64",
  [DataType.UINT32]: "uint32",
  [DataType.UINT16]: "uint16",
  [DataType.UINT8]: "uint8",
  [DataType.BOOL]: "bool",
  [DataType.STRING]: "string",
};

/** Elements that are copied as they are; halves as their 16 bits. */
export type Elements = Exclude<Tensor.DataType, string[]>;

/** Types that an array's elements may be taken for, the first where the graph does not say; and its copy. */
interface Storage {
  readonly types: readonly Tensor.Type[];
  copy(data: never): Elements;
}

/**
 * By the name of the array's class: an array of another realm (an iframe, a module of node:vm) is no
 * instance of the class of this one.
 */
const storages: Readonly<Record<string, Storage>> = {
  Float32Array: { types: ["float32"], copy: (data: Float32Array) => new Float32Array(data) },
  Float64Array: { types: ["float64"], copy: (data: Float64Array) => new Float64Array(data) },
  BigInt64Array: { types: ["int64"], copy: (data: BigInt64Array) => new BigInt64Array(data) },
  BigUint64Array: { types: ["uint64"], copy: (data: BigUint64Array) => new BigUint64Array(data) },
  Int32Array: { types: ["int32"], copy: (data: Int32Array) => new Int32Array(data) },
  Uint32Array: { types: ["uint32"], copy: (data: Uint32Array) => new Uint32Array(data) },
  Int16Array: { types: ["int16"], copy: (data: Int16Array) => new Int16Array(data) },
  Uint16Array: { types: ["float16", "uint16"], copy: (data: Uint16Array) => new Uint16Array(data) },
  Float16Array: {
    types: ["float16"],
    copy: ({ buffer, byteOffset, length }: Uint16Array) =>
      new Uint16Array(new Uint16Array(buffer, byteOffset, length)),
  },
  Int8Array: { types: ["int8"], copy: (data: Int8Array) => new Int8Array(data) },
  Uint8Array: { types: ["uint8", "bool"], copy: (data: Uint8Array) => new Uint8Array(data) },
  // A canvas' pixels.
  Uint8ClampedArray: {
    types: ["uint8", "bool"],
    copy: (data: Uint8ClampedArray) => new Uint8Array(data),
  },
};

/** The name of a value's class, also of one of another realm: "Float32Array". */
export const className = (value: unknown): string =>
  Object.prototype.toString.call(value).slice(8, -1);

/** What an array's elements may be taken for, and a copy; undefined for what is no array of numbers. */
export function storageOf(data: unknown): Storage | undefined {
  const name = className(data);
  return Object.hasOwn(storages, name) ? storages[name] : undefined;
}

/**
 * Bytes as an array of this realm, without a copy; undefined for what holds no bytes. The buffer of a
 * file is one, too.
 */
export function bytesOf(value: unknown): Uint8Array | undefined {
  if (value instanceof Uint8Array) return value;
  if (ArrayBuffer.isView(value) && className(value) === "Uint8Array") {
    return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  }
  return className(value) === "ArrayBuffer" ? new Uint8Array(value as ArrayBuffer) : undefined;
}
