/**
 * The safetensors format: a JSON header and raw little-endian tensors.
 *
 * Source: the format's specification in the huggingface/safetensors README.
 *
 * @module
 */

import { checkValue, type Kind } from "../checks.ts";
import * as kinds from "../kinds.ts";
import { decodeUtf8, encodeUtf8 } from "./utf8.ts";

/** A float32 tensor of a file. */
export interface NamedArray {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** What a file holds. */
export interface SafetensorsFile {
  readonly tensors: ReadonlyMap<string, NamedArray>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Headers above this size are refused, as the format's own reader does. */
const maximumHeader = 100_000_000;

const text: Kind = { must: "be a string", type: (value) => typeof value === "string" };

/**
 * The bytes of a file with float32 tensors.
 *
 * @throws {TypeError} For what {@linkcode readSafetensors} would refuse: a tensor whose values do not
 * fill its shape, or metadata that is no string.
 */
export function writeSafetensors(file: SafetensorsFile): Uint8Array<ArrayBuffer> {
  if (file.tensors.has("__metadata__")) {
    throw new TypeError('Cannot write safetensors: "__metadata__" is no name for a tensor');
  }
  for (const [key, value] of Object.entries(file.metadata)) {
    checkValue("write safetensors", value, text, `metadata ${JSON.stringify(key)}`);
  }
  for (const [name, { shape, values }] of file.tensors) {
    const action = `write ${JSON.stringify(name)} as safetensors`;
    checkValue(action, values, kinds.float32Array, "values");
    checkValue(action, shape, kinds.listOf(kinds.integer(0)), "shape");
    const size = shape.reduce((a, b) => a * b, 1);
    if (values.length !== size) {
      throw new TypeError(
        `Cannot ${action}: shape [${shape}] has ${size} elements, current length is ${values.length}`,
      );
    }
  }
  // fromEntries, since a tensor may be named "__proto__".
  const entries: [string, unknown][] = [["__metadata__", file.metadata]];
  let offset = 0;
  for (const [name, { shape, values }] of file.tensors) {
    const end = offset + values.length * 4;
    entries.push([name, { dtype: "F32", shape, data_offsets: [offset, end] }]);
    offset = end;
  }
  const header = JSON.stringify(Object.fromEntries(entries));
  const unpadded = encodeUtf8(header);
  const length = Math.ceil(unpadded.length / 8) * 8;
  if (length > maximumHeader) {
    throw new RangeError(
      `Cannot write safetensors: the header may have ${maximumHeader} bytes, current length is ${length}`,
    );
  }
  const bytes = new Uint8Array(8 + length + offset);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(length), true);
  bytes.fill(0x20, 8, 8 + length); // the format pads the header with spaces
  bytes.set(unpadded, 8);
  let at = 8 + length;
  for (const { values } of file.tensors.values()) {
    for (const value of values) {
      view.setFloat32(at, value, true);
      at += 4;
    }
  }
  return bytes;
}

/**
 * Reads a file with float32 tensors.
 *
 * @throws {TypeError} If the bytes are not a complete safetensors file of float32 tensors; the
 * message names the tensor or the offset.
 */
export function readSafetensors(bytes: Uint8Array): SafetensorsFile {
  checkValue("read safetensors", bytes, kinds.bytes, "the file");
  const fail = (why: string): never => {
    throw new TypeError(`Cannot read safetensors: ${why}`);
  };
  if (bytes.length < 8) fail(`a file has at least 8 bytes, this one ${bytes.length}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = Number(view.getBigUint64(0, true));
  if (length > maximumHeader || length > bytes.length - 8) {
    fail(`the header should have ${length} bytes, ${bytes.length - 8} follow offset 8`);
  }
  let header: Record<string, unknown>;
  try {
    header = JSON.parse(decodeUtf8(bytes.subarray(8, 8 + length)));
  } catch (cause) {
    throw new TypeError("Cannot read safetensors: the header at offset 8 is not JSON", { cause });
  }
  if (typeof header !== "object" || header === null || Array.isArray(header)) {
    fail("the header at offset 8 is not an object");
  }
  const { __metadata__: metadata = {}, ...entries } = header;
  if (
    typeof metadata !== "object" || metadata === null || Array.isArray(metadata) ||
    !Object.values(metadata).every((value) => typeof value === "string")
  ) {
    fail("its __metadata__ should be an object of strings");
  }
  const data = 8 + length;
  const tensors = new Map<string, NamedArray>();
  let expected = 0;
  // JSON objects have no order of their own (and "0" comes before "a" in JavaScript).
  const startOf = (entry: unknown) =>
    Number((entry as { data_offsets?: unknown[] } | null)?.data_offsets?.[0] ?? 0);
  const endOf = (entry: unknown) =>
    Number((entry as { data_offsets?: unknown[] } | null)?.data_offsets?.[1] ?? 0);
  const sorted = Object.entries(entries).sort(([, a], [, b]) =>
    startOf(a) - startOf(b) || endOf(a) - endOf(b)
  );
  for (const [name, entry] of sorted) {
    const { dtype, shape, data_offsets: range } = (entry ?? {}) as Record<string, unknown>;
    if (dtype !== "F32") fail(`"${name}" has dtype ${dtype}, expected F32`);
    const isCount = (n: unknown) => Number.isSafeInteger(n) && (n as number) >= 0;
    if (!Array.isArray(shape) || !shape.every(isCount)) fail(`"${name}" has no valid shape`);
    if (!Array.isArray(range) || range.length !== 2 || !range.every(isCount)) {
      fail(`"${name}" has no valid data_offsets`);
    }
    const [start, end] = range as [number, number];
    const size = (shape as number[]).reduce((a, b) => a * b, 1);
    if (start !== expected || end - start !== size * 4) {
      fail(
        `"${name}" of shape [${shape}] should lie at ${expected}..${
          expected + size * 4
        }, its data_offsets are ${start}..${end}`,
      );
    }
    if (data + end > bytes.length) {
      fail(`"${name}" ends at byte ${data + end}, the file at ${bytes.length}`);
    }
    const values = new Float32Array(size);
    for (let i = 0; i < size; i++) values[i] = view.getFloat32(data + start + 4 * i, true);
    tensors.set(name, { shape: shape as number[], values });
    expected = end;
  }
  if (data + expected !== bytes.length) {
    fail(`the tensors end at byte ${data + expected}, the file at ${bytes.length}`);
  }
  return { tensors, metadata: metadata as Record<string, string> };
}
