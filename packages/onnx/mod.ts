/**
 * Differentiate ONNX graphs with standard operators; read and write ONNX Runtime training artifacts.
 *
 * @module
 */
export * from "./artifacts/mod.ts";
export * from "./differentiate/mod.ts";
export * from "./exported/mod.ts";
export * from "./legalize/mod.ts";
export * from "./lora/mod.ts";
export * from "./model/mod.ts";
export type {
  AttributeProto,
  FunctionProto,
  GraphProto,
  ModelProto,
  NodeProto,
  OperatorSetIdProto,
  SparseTensorProto,
  StringStringEntryProto,
  TensorProto,
  TypeProto,
  ValueInfoProto,
} from "./proto/onnx_pb.ts";
