/** @module */
import { type DescMessage, fromBinary, type MessageShape } from "@bufbuild/protobuf";
import { OnnxError } from "./onnx_error.ts";
import { findFault } from "./wire.ts";

/**
 * Decodes a message that a file holds from byte `start` on.
 *
 * @throws {OnnxError} With the byte of the file at which it is malformed.
 * @throws {TypeError} For anything but bytes, such as a path.
 */
export function parseMessage<Desc extends DescMessage>(
  desc: Desc,
  bytes: Uint8Array,
  what: string,
  start = 0,
): MessageShape<Desc> {
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
  const fault = findFault(bytes, desc);
  if (fault !== undefined) throw refuse(fault.offset, fault.why);
  try {
    return fromBinary(desc, bytes);
  } catch (cause) {
    const { offset, why } = findFault(bytes, desc, true) ??
      { offset: 0, why: (cause as Error).message };
    throw refuse(offset, why, cause);
  }
}
