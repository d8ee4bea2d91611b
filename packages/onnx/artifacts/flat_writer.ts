/** @module */
import { Builder } from "flatbuffers";

/** A field of a table, by its place in the schema. */
export type FlatField =
  | readonly ["offset" | "int32" | "float32", number]
  | readonly ["int64", bigint]
  | readonly ["bool", boolean];

/** Writes a FlatBuffers file from the inside out: children first. */
export interface FlatWriter {
  string(text: string | Uint8Array): number;
  /** A vector of bytes, whose start is a multiple of 8: elements of any width stay views. */
  bytes(bytes: Uint8Array): number;
  int64s(values: readonly bigint[]): number;
  table(fields: readonly FlatField[]): number;
  /** A vector of tables or strings. */
  vector(offsets: readonly number[]): number;
  finish(root: number): Uint8Array;
}

/**
 * A writer of a file.
 *
 * @param size About how many bytes it will have: the builder doubles its buffer when it is full, which
 *   for large files it should not have to.
 */
export function flatWriter(identifier: string, size: number): FlatWriter {
  // A multiple of 8 keeps the finished file's start aligned.
  const builder = new Builder(Math.min(2 ** 31 - 8, Math.ceil(size / 8) * 8));
  return {
    string: (text) => builder.createString(text),
    bytes(bytes) {
      builder.prep(8, bytes.length);
      return builder.createByteVector(bytes);
    },
    int64s(values) {
      builder.startVector(8, values.length, 8);
      for (const value of [...values].reverse()) builder.addInt64(value);
      return builder.endVector();
    },
    table(fields) {
      builder.startObject(fields.length);
      fields.forEach(([type, value], index) => {
        if (type === "offset") builder.addFieldOffset(index, value, 0);
        else if (type === "int32") builder.addFieldInt32(index, value, 0);
        else if (type === "float32") builder.addFieldFloat32(index, value, 0);
        else if (type === "int64") builder.addFieldInt64(index, value, 0n);
        else builder.addFieldInt8(index, value ? 1 : 0, 0);
      });
      return builder.endObject();
    },
    vector(offsets) {
      builder.startVector(4, offsets.length, 4);
      for (const offset of [...offsets].reverse()) builder.addOffset(offset);
      return builder.endVector();
    },
    finish(root) {
      builder.finish(root, identifier);
      return builder.asUint8Array();
    },
  };
}
