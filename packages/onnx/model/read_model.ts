/** @module */
import type { ModelProto } from "../proto/onnx_pb.ts";
import {
  type ExternalDataOptions,
  resolveExternalData,
  splitExternalData,
} from "./external_data.ts";
import {
  type ReadModelOptions,
  readModelWith,
  type SplitModel,
  writeModelWith,
} from "./read_model_with.ts";

const files = { resolveExternalData, splitExternalData };

/**
 * Reads a model. Initializers stay views on `bytes`; fields that this package does not know are
 * kept and written again.
 *
 * @throws {OnnxError} For what is not a model: a truncated file, wrong field types, messages nested
 *   more than 100 deep, no graph. Its `offset` is the byte at which the fault was found.
 * @throws {TypeError} For anything but bytes, such as a path.
 *
 * @example
 * ```ts
 * import { readModel, writeModel } from "@precond/onnx";
 *
 * const copyOf = (bytes: Uint8Array) => writeModel(readModel(bytes));
 * ```
 */
export function readModel(bytes: Uint8Array, options: ReadModelOptions = {}): ModelProto {
  return readModelWith(files, bytes, options);
}

/**
 * The file of a model; with `externalData` the file and the one of its large initializers, each of
 * which starts on a page of 4 KiB. The model is not changed.
 *
 * @example
 * ```ts
 * import { type ModelProto, readModel, writeModel } from "@precond/onnx";
 *
 * function copyOf(model: ModelProto): ModelProto {
 *   const { bytes, data } = writeModel(model, { externalData: { location: "model.data" } });
 *   return readModel(bytes, { externalData: { "model.data": data } });
 * }
 * ```
 */
export function writeModel(model: ModelProto): Uint8Array;
export function writeModel(
  model: ModelProto,
  options: { readonly externalData: ExternalDataOptions },
): SplitModel;
export function writeModel(
  model: ModelProto,
  options?: { readonly externalData: ExternalDataOptions },
): Uint8Array | SplitModel {
  return writeModelWith(files, model, options);
}
