/** @module */
import type { MessageFns } from "./onnx_pb.ts";

const NOTHING = new Uint8Array();

/**
 * Makes a message: with the fields that are given, which it keeps and does not copy, and without the
 * others.
 *
 * @example
 * ```ts
 * import { create, NodeProto } from "@precond/onnx/proto";
 *
 * const node = create(NodeProto, { opType: "Relu", input: ["x"], output: ["y"] });
 * ```
 */
export function create<T extends object>(
  type: MessageFns<T>,
  fields: NoInfer<Partial<T>> = {},
): T {
  // A file of no bytes is a message without fields.
  return Object.assign(type.decode(NOTHING), fields);
}
