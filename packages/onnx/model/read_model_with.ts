/** @module */
import * as kinds from "@precond/core/kinds";
import { ModelProto } from "../proto/onnx_pb.ts";
import type {
  ExternalData,
  ExternalDataOptions,
  resolveExternalData,
  splitExternalData,
} from "./external_data.ts";
import { OnnxError } from "./onnx_error.ts";
import { parseMessage } from "./parse_message.ts";

/** Options of `readModel()`. */
export interface ReadModelOptions {
  /**
   * The files in which the model keeps large tensors; these become views on what is given.
   * Default none: such tensors stay references, which are written again but cannot be read.
   */
  readonly externalData?: ExternalData;
}

/** What reads and writes data files, at hand or to be loaded. */
export interface DataFiles {
  readonly resolveExternalData: typeof resolveExternalData;
  readonly splitExternalData: typeof splitExternalData;
}

/** `readModel()`, from given parts; those that are not needed are not touched. */
export function readModelWith(
  files: DataFiles,
  bytes: Uint8Array,
  options: ReadModelOptions = {},
): ModelProto {
  kinds.checkOptions("read the model", options, { externalData: kinds.anything });
  const model = parse(bytes);
  if (model.graph === undefined) {
    throw new OnnxError(
      `Cannot read the model: expected a graph in ${bytes.length} bytes, found none`,
      { offset: bytes.length },
    );
  }
  if (options.externalData !== undefined) files.resolveExternalData(model, options.externalData);
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

/** `writeModel()`, from given parts. */
export function writeModelWith(
  files: DataFiles,
  model: ModelProto,
  options?: { readonly externalData: ExternalDataOptions },
): Uint8Array | SplitModel {
  if (options === undefined) return ModelProto.encode(model).finish();
  kinds.checkOptions("write the model", options, { externalData: kinds.anything }, [
    "externalData",
  ]);
  const split = files.splitExternalData(model, options.externalData);
  return { bytes: ModelProto.encode(split.model).finish(), data: split.data };
}
