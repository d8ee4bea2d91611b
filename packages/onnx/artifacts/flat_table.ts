/** @module */
import { ByteBuffer } from "flatbuffers";
import { OnnxError } from "../model/onnx_error.ts";

/** A FlatBuffers table; fields are given by their place in the schema, from 0. */
export interface FlatTable {
  /** Byte of the file at which the table starts. */
  readonly at: number;
  bool(field: number): boolean;
  int32(field: number, absent: number): number;
  int64(field: number, absent: bigint): bigint;
  float32(field: number, absent: number): number;
  string(field: number): string | undefined;
  table(field: number): FlatTable | undefined;
  /** A vector of bytes: a view on the file. */
  bytes(field: number): Uint8Array | undefined;
  int64s(field: number): bigint[] | undefined;
  strings(field: number): Uint8Array[] | undefined;
  tables(field: number): FlatTable[] | undefined;
}

const ROOT = 4;
const IDENTIFIER = 4;

/**
 * The root table of a FlatBuffers file. The library follows any offset and reads past the end without
 * a word, so each access is verified here first; and because offsets may all point to the same place,
 * so that a small file would unfold into a large one, what is read counts against a budget.
 *
 * @throws {OnnxError} With the byte at which the file is malformed.
 */
export function openFlatBuffer(bytes: Uint8Array, identifier: string, what: string): FlatTable {
  const buffer = new ByteBuffer(bytes);
  const refuse = (offset: number, why: string): never => {
    throw new OnnxError(`Cannot read ${what}: ${why} (byte ${offset} of ${bytes.length})`, {
      offset,
    });
  };
  /** Four times the file: writers may share equal strings, but not many times over. */
  let budget = 4 * bytes.length + 4096;
  const spend = (at: number, amount: number) => {
    budget -= amount;
    if (budget < 0) refuse(at, "its parts overlap too often");
  };
  const need = (at: number, length: number, part: string) => {
    if (at < 0 || length < 0 || at + length > bytes.length) {
      refuse(Math.min(Math.max(at, 0), bytes.length), `${part} ends outside of the file`);
    }
  };
  /** Follows the offset at `at`. */
  const follow = (at: number, part: string): number => {
    const target = at + buffer.readUint32(at);
    need(target, 4, part);
    return target;
  };
  const decoder = new TextDecoder("utf-8", { fatal: true });

  const vector = (at: number, width: number, part: string) => {
    const start = follow(at, part);
    const length = buffer.readUint32(start);
    need(start + 4, length * width, part);
    return { start: start + 4, length };
  };
  const bytesAt = (at: number, part: string) => {
    const { start, length } = vector(at, 1, part);
    return bytes.subarray(start, start + length);
  };
  const stringBytes = (at: number) => {
    const found = bytesAt(at, "a string");
    spend(at, found.length + 4);
    return found;
  };

  const table = (at: number): FlatTable => {
    need(at, 4, "a table");
    const vtable = at - buffer.readInt32(at);
    need(vtable, 4, "a table's layout");
    const vtableSize = buffer.readUint16(vtable);
    const tableSize = buffer.readUint16(vtable + 2);
    if (vtableSize < 4 || vtableSize % 2 !== 0 || tableSize < 4) {
      refuse(vtable, `a table's layout of ${vtableSize} bytes for ${tableSize}`);
    }
    need(vtable, vtableSize, "a table's layout");
    need(at, tableSize, "a table");
    spend(at, tableSize);
    /** Where a field of `width` bytes is; undefined for an absent one. */
    const place = (field: number, width: number): number | undefined => {
      const slot = 4 + 2 * field;
      if (slot + 2 > vtableSize) return undefined;
      const offset = buffer.readUint16(vtable + slot);
      if (offset === 0) return undefined;
      if (offset < 4 || offset + width > tableSize) {
        refuse(vtable + slot, `field ${field} at ${offset} of a table of ${tableSize} bytes`);
      }
      return at + offset;
    };
    /** Reads a field with `read`, unless it is absent. */
    const field = <T>(index: number, width: number, read: (at: number) => T): T | undefined => {
      const found = place(index, width);
      return found === undefined ? undefined : read(found);
    };
    const list = <T>(index: number, width: number, part: string, read: (at: number) => T) =>
      field(index, 4, (place) => {
        const { start, length } = vector(place, width, part);
        spend(start, length * width);
        return Array.from({ length }, (_, k) => read(start + k * width));
      });
    return {
      at,
      bool: (index) => field(index, 1, (at) => buffer.readUint8(at) !== 0) ?? false,
      int32: (index, absent) => field(index, 4, (at) => buffer.readInt32(at)) ?? absent,
      int64: (index, absent) => field(index, 8, (at) => buffer.readInt64(at)) ?? absent,
      float32: (index, absent) => field(index, 4, (at) => buffer.readFloat32(at)) ?? absent,
      string: (index) =>
        field(index, 4, (at) => {
          try {
            return decoder.decode(stringBytes(at));
          } catch (cause) {
            if (cause instanceof OnnxError) throw cause;
            return refuse(at, "a string is not UTF-8");
          }
        }),
      table: (index) => field(index, 4, (at) => table(follow(at, "a table"))),
      bytes: (index) => field(index, 4, (at) => bytesAt(at, "a tensor's data")),
      int64s: (index) => list(index, 8, "a shape", (at) => buffer.readInt64(at)),
      strings: (index) => list(index, 4, "a list of strings", stringBytes),
      tables: (index) => list(index, 4, "a list", (at) => table(follow(at, "a table"))),
    };
  };

  need(0, ROOT + IDENTIFIER, "the header");
  const found = String.fromCharCode(...bytes.subarray(ROOT, ROOT + IDENTIFIER));
  if (found !== identifier) {
    refuse(ROOT, `expected the identifier "${identifier}", actual is ${JSON.stringify(found)}`);
  }
  return table(follow(0, "the root table"));
}
