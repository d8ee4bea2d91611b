/**
 * The messages of ONNX files with their schemas, generated from ONNX's own: what `create()`,
 * `toBinary()` and `toJson()` of `@bufbuild/protobuf` take.
 *
 * @example
 * ```ts
 * import { create } from "@bufbuild/protobuf";
 * import { NodeProtoSchema } from "@precond/onnx/proto";
 *
 * const node = create(NodeProtoSchema, { opType: "Relu", input: ["x"], output: ["y"] });
 * ```
 *
 * @module
 */
export * from "./onnx_pb.ts";
