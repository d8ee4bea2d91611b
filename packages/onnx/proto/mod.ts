/**
 * The messages of ONNX files, generated from a schema of ONNX's fields: a type for each message, and a
 * constant of the same name that reads it from bytes (`decode()`) and writes it (`encode().finish()`).
 * Integers of 64 bits are bigints, bytes that were read are views on the file, and fields that the
 * schema lacks are kept and written again.
 *
 * @example
 * ```ts
 * import { create, NodeProto } from "@precond/onnx/proto";
 *
 * const node = create(NodeProto, { opType: "Relu", input: ["x"], output: ["y"] });
 * const bytes = NodeProto.encode(node).finish();
 * const again = NodeProto.decode(bytes);
 * ```
 *
 * @module
 */
export * from "./create.ts";
export * from "./onnx_pb.ts";
