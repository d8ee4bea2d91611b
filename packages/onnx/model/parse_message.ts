/** @module */
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { type MessageFns, ModelProto, TensorProto } from "../proto/onnx_pb.ts";
import { OnnxError } from "./onnx_error.ts";
import { findFault } from "./wire.ts";

interface Kinds {
  readonly ModelProto: ModelProto;
  readonly TensorProto: TensorProto;
}

/** What stands in files alone. */
const KINDS: { readonly [K in keyof Kinds]: MessageFns<Kinds[K]> } = { ModelProto, TensorProto };

// A leading U+FEFF is a part of the text.
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Decodes a message that a file holds from byte `start` on.
 *
 * @throws {OnnxError} With the byte of the file at which it is malformed.
 * @throws {TypeError} For anything but bytes, such as a path.
 */
export function parseMessage<K extends keyof Kinds>(
  kind: K,
  bytes: Uint8Array,
  what: string,
  start = 0,
): Kinds[K] {
  if (!ArrayBuffer.isView(bytes)) {
    const given = (bytes as object | undefined)?.constructor?.name ?? String(bytes);
    throw new TypeError(
      `Cannot read ${what}: expected its bytes as a Uint8Array, given is ${given}`,
    );
  }
  const refuse = (offset: number, why: string, cause?: unknown) =>
    new OnnxError(
      `Cannot read ${what}: ${why} (byte ${start + offset} of ${start + bytes.length})`,
      { offset: start + offset, cause },
    );
  const fault = findFault(bytes, kind);
  if (fault !== undefined) throw refuse(fault.offset, fault.why);
  try {
    return KINDS[kind].decode(new BinaryReader(bytes, (text) => strict.decode(text)));
  } catch (cause) {
    const { offset, why } = findFault(bytes, kind, true) ??
      { offset: 0, why: (cause as Error).message };
    throw refuse(offset, why, cause);
  }
}
