/** @module */
import { ModelProto } from "../proto/onnx_pb.ts";
import {
  type ExternalData,
  type ExternalDataOptions,
  resolveExternalData,
  splitExternalData,
} from "./external_data.ts";
import { anything, checkOptions } from "./check_options.ts";
import { OnnxError } from "./onnx_error.ts";
import { parseMessage } from "./parse_message.ts";

/** Options of {@linkcode readModel}. */
export interface ReadModelOptions {
  /**
   * The files in which the model keeps large tensors; these become views on what is given.
   * Default none: such tensors stay references, which are written again but cannot be read.
   */
  readonly externalData?: ExternalData;
}

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
  checkOptions("read the model", options, { externalData: anything });
  const model = parse(bytes);
  if (model.graph === undefined) {
    throw new OnnxError(
      `Cannot read the model: expected a graph in ${bytes.length} bytes, found none`,
      { offset: bytes.length },
    );
  }
  if (options.externalData !== undefined) resolveExternalData(model, options.externalData);
  return model;
}

function parse(bytes: Uint8Array): ModelProto {
  try {
    return parseMessage("ModelProto", bytes, "the model");
  } catch (cause) {
    // It lies beside models among training artifacts; FlatBuffers have their name at byte 4.
    const name = String.fromCharCode(...(cause instanceof OnnxError ? bytes.subarray(4, 8) : []));
    if (name !== "ODTC") throw cause;
    throw new OnnxError("Cannot read the model: the file is a checkpoint, which has no graph", {
      cause,
    });
  }
}

/** A model file and the file of its large tensors. */
export interface SplitModel {
  readonly bytes: Uint8Array;
  readonly data: Uint8Array;
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
  if (options === undefined) return ModelProto.encode(model).finish();
  checkOptions("write the model", options, { externalData: anything });
  const split = splitExternalData(model, options.externalData);
  return { bytes: ModelProto.encode(split.model).finish(), data: split.data };
}
