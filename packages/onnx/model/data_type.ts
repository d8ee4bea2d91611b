/** @module */
import { OnnxError } from "./onnx_error.ts";

/** Element types of ONNX tensors, with the numbers of the format. */
export const DataType = {
  FLOAT: 1,
  UINT8: 2,
  INT8: 3,
  UINT16: 4,
  INT16: 5,
  INT32: 6,
  INT64: 7,
  STRING: 8,
  BOOL: 9,
  FLOAT16: 10,
  DOUBLE: 11,
  UINT32: 12,
  UINT64: 13,
  COMPLEX64: 14,
  COMPLEX128: 15,
  BFLOAT16: 16,
} as const;

/** One of the values of {@linkcode DataType}, or a newer one. */
export type DataType = number;

/** Arrays that hold tensor elements; float16 and bfloat16 as their bits. */
export type TensorArray =
  | Float32Array
  | Float64Array
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | BigInt64Array
  | BigUint64Array;

interface TensorArrayConstructor {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): TensorArray;
  new (length: number): TensorArray;
}

const ARRAYS: Readonly<Record<number, TensorArrayConstructor>> = {
  [DataType.FLOAT]: Float32Array,
  [DataType.UINT8]: Uint8Array,
  [DataType.INT8]: Int8Array,
  [DataType.UINT16]: Uint16Array,
  [DataType.INT16]: Int16Array,
  [DataType.INT32]: Int32Array,
  [DataType.INT64]: BigInt64Array,
  [DataType.BOOL]: Uint8Array,
  [DataType.FLOAT16]: Uint16Array,
  [DataType.DOUBLE]: Float64Array,
  [DataType.UINT32]: Uint32Array,
  [DataType.UINT64]: BigUint64Array,
  [DataType.BFLOAT16]: Uint16Array,
};

/** The array that holds elements of a type; throws for strings, complex numbers and 4-bit types. */
export function arrayFor(type: DataType, of: string): TensorArrayConstructor {
  const array = ARRAYS[type];
  if (array === undefined) {
    throw new OnnxError(
      `Cannot read tensor "${of}": expected numbers, actual type is ${dataTypeName(type)}`,
    );
  }
  return array;
}

/** Bytes of an element; undefined for strings, complex numbers and 4-bit types. */
export function bytesPerElement(type: DataType): number | undefined {
  return ARRAYS[type]?.BYTES_PER_ELEMENT;
}

/** A type's name as the format has it: `FLOAT`, `INT64`. */
export function dataTypeName(type: DataType): string {
  return Object.entries(DataType).find(([, value]) => value === type)?.[0] ?? `type ${type}`;
}

/** Whether a type is one of integers that {@linkcode arrayFor} holds, or bool. */
export function isInteger(type: DataType | undefined): boolean {
  return type !== undefined && ARRAYS[type] !== undefined && !isFloating(type);
}

/** Whether values of a type have gradients. */
export function isFloating(type: DataType | undefined): boolean {
  return type === DataType.FLOAT || type === DataType.DOUBLE || type === DataType.FLOAT16 ||
    type === DataType.BFLOAT16;
}
