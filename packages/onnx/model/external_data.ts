/** @module */
import * as kinds from "@precond/core/kinds";
import { create } from "../proto/create.ts";
import { type ModelProto, StringStringEntryProto, type TensorProto } from "../proto/onnx_pb.ts";
import { bytesPerElement, DataType } from "./data_type.ts";
import { OnnxError } from "./onnx_error.ts";
import { bytesOf, tensorData, tensorSize } from "./tensor.ts";
import { tensorsOf } from "./tensors_of.ts";

/**
 * Files that hold tensors' bytes: by name, or a function that reads `length` bytes (to the file's
 * end where it is undefined) from `offset` on.
 */
export type ExternalData =
  | Readonly<Record<string, Uint8Array>>
  | ((location: string, offset: number, length: number | undefined) => Uint8Array);

/** Where {@linkcode writeModel} puts large tensors. */
export interface ExternalDataOptions {
  /** Name of the data file, as the model file will refer to it. */
  readonly location: string;
  /** Tensors of fewer bytes stay in the model file. Default: 1024, as in onnx. */
  readonly threshold?: number;
}

/** Each tensor starts on a page, so that the file can be mapped. */
const PAGE = 4096;

/** Gives every tensor with external data its bytes: views on what `source` gives. */
export function resolveExternalData(model: ModelProto, source: ExternalData): void {
  for (const tensor of tensorsOf(model)) {
    if (tensor.dataLocation !== 1) continue;
    tensor.rawData = externalBytes(tensor, source) as Uint8Array<ArrayBuffer>;
    tensor.dataLocation = 0;
    tensor.externalData = [];
  }
}

function externalBytes(tensor: TensorProto, source: ExternalData): Uint8Array {
  const refuse = (why: string, cause?: unknown): never => {
    throw new OnnxError(`Cannot read tensor "${tensor.name}" from its data file: ${why}`, {
      cause,
    });
  };
  const entries = new Map(tensor.externalData.map(({ key, value }) => [key, value]));
  const location = entries.get("location") ?? "";
  if (!isInside(location)) refuse(`location "${location}" is not a path below the model's folder`);
  if (tensor.dataType === DataType.STRING) refuse("strings cannot be in a data file");
  const number = (key: string): number | undefined => {
    const text = entries.get(key);
    if (text === undefined) return undefined;
    if (!/^\d{1,15}$/.test(text)) refuse(`${key} is "${text}"`);
    return Number(text);
  };
  const offset = number("offset") ?? 0;
  const width = bytesPerElement(tensor.dataType);
  const needed = width === undefined ? undefined : tensorSize(tensor) * width;
  const length = number("length") ?? needed;
  if (needed !== undefined && length !== needed) {
    refuse(`shape [${tensor.dims}] needs ${needed} bytes, its length is ${length}`);
  }
  if (typeof source === "function") {
    let bytes: Uint8Array;
    try {
      bytes = source(location, offset, length);
    } catch (cause) {
      return refuse(`"${location}": ${(cause as Error).message}`, cause);
    }
    if (length !== undefined && bytes.byteLength !== length) {
      refuse(`"${location}" gave ${bytes.byteLength} of ${length} bytes at ${offset}`);
    }
    return bytes;
  }
  const file = Object.hasOwn(source, location) ? source[location]! : undefined;
  if (file === undefined) {
    return refuse(
      `"${location}" was not given, only ${
        Object.keys(source).map((name) => `"${name}"`).join(", ") || "no file"
      }`,
    );
  }
  const end = length === undefined ? file.byteLength : offset + length;
  if (offset > file.byteLength || end > file.byteLength) {
    refuse(`"${location}" has ${file.byteLength} bytes, needed are ${offset} to ${end}`);
  }
  return file.subarray(offset, end);
}

/** Whether a path is relative and cannot leave its folder. */
function isInside(path: string): boolean {
  const parts = path.split(/[\\/]/);
  return path !== "" && !path.includes("\0") && !/^[A-Za-z]:/.test(path) &&
    parts[0] !== "" && !parts.includes("..");
}

/** Moves large initializers into a data file; the given model is not changed. */
export function splitExternalData(
  model: ModelProto,
  options: ExternalDataOptions,
): { model: ModelProto; data: Uint8Array } {
  const known = { location: kinds.anyText, threshold: kinds.number };
  kinds.checkOptions("write the model's data file", options ?? null, known, ["location"]);
  const { location, threshold = 1024 } = options;
  if (!isInside(location)) {
    throw new OnnxError(
      `Cannot write the model's data file: location "${location}" is not a path below its folder`,
    );
  }
  if (!(threshold >= 0)) {
    throw new RangeError(
      `Cannot write the model's data file: threshold must not be negative, current value is ${threshold}`,
    );
  }
  const graph = model.graph;
  if (graph === undefined) throw new OnnxError("Cannot write the model: it has no graph");
  const parts: { bytes: Uint8Array; offset: number }[] = [];
  let end = 0;
  const initializer = graph.initializer.map((tensor) => {
    const bytes = inlineBytes(tensor);
    if (bytes === undefined || bytes.byteLength < threshold) return tensor;
    const offset = Math.ceil(end / PAGE) * PAGE;
    parts.push({ bytes, offset });
    end = offset + bytes.byteLength;
    const { rawData: _, ...rest } = tensor;
    return {
      ...rest,
      floatData: [],
      int32Data: [],
      int64Data: [],
      doubleData: [],
      uint64Data: [],
      dataLocation: 1,
      externalData: Object.entries({ location, offset, length: bytes.byteLength }).map((
        [key, value],
      ) => create(StringStringEntryProto, { key, value: String(value) })),
    };
  });
  const data = new Uint8Array(end);
  for (const { bytes, offset } of parts) data.set(bytes, offset);
  return { model: { ...model, graph: { ...graph, initializer } }, data };
}

/** A tensor's bytes where they are in the model; undefined for strings and what is external. */
function inlineBytes(tensor: TensorProto): Uint8Array | undefined {
  if (tensor.dataLocation === 1 || tensor.dataType === DataType.STRING) return undefined;
  if (tensor.rawData !== undefined) return tensor.rawData;
  return bytesPerElement(tensor.dataType) === undefined ? undefined : bytesOf(tensorData(tensor));
}
