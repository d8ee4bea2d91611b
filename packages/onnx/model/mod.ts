/** @module */
export { type AttributeValue, type Float, float } from "./attributes.ts";
export { buildModel } from "./build_model.ts";
export { extendModel } from "./extend_model.ts";
export type { ModelBuilder } from "./model_builder.ts";
export { DataType, dataTypeName, type TensorArray } from "./data_type.ts";
export type { ExternalData, ExternalDataOptions } from "./external_data.ts";
export { OnnxError, type OnnxErrorPlace } from "./onnx_error.ts";
export { readModel, writeModel } from "./read_model.ts";
export type { ReadModelOptions, SplitModel } from "./read_model_with.ts";
export { makeTensor, tensorData, tensorDims } from "./tensor.ts";
export type { Dim } from "../graph/dims.ts";
