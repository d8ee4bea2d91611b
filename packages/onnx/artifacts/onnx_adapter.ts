/** @module */
import { arrayFor, bytesPerElement, dataTypeName } from "../model/data_type.ts";
import { OnnxError } from "../model/onnx_error.ts";
import { bytesOf, makeTensor, tensorData, tensorSize } from "../model/tensor.ts";
import type { TensorProto } from "../proto/onnx_pb.ts";
import { openFlatBuffer } from "./flat_table.ts";
import { flatWriter } from "./flat_writer.ts";

/** An adapter file of ONNX Runtime. */
export interface OnnxAdapter {
  /** Values for inputs of a model, by their names. */
  readonly parameters: readonly TensorProto[];
  /** The author's number of the adapter. Default 1. */
  readonly adapterVersion?: number;
  /** The author's number of the model. Default 1. */
  readonly modelVersion?: number;
}

const IDENTIFIER = "TORT";
const VERSION = 1;

/** Whether bytes are a file of {@linkcode writeOnnxAdapter}. */
export function isOnnxAdapter(bytes: Uint8Array): boolean {
  return String.fromCharCode(...bytes.subarray(4, 8)) === IDENTIFIER;
}

/**
 * An `.onnx_adapter` file: parameters by name, in FlatBuffers, as ONNX Runtime's own
 * `AdapterFormat` and `LoraAdapter` read it. The names are those of inputs of the model whose
 * initializers they replace in a run ({@linkcode loraInputs} makes such a model).
 *
 * Source: onnxruntime/lora/adapter_format/adapter_schema.fbs, format version 1.
 *
 * @throws {OnnxError} For tensors of strings, 4-bit types and complex numbers, and a name twice.
 *
 * @example
 * ```ts
 * import { DataType, makeTensor, readOnnxAdapter, writeOnnxAdapter } from "@precond/onnx";
 * import assert from "node:assert/strict";
 *
 * const a = makeTensor("q.lora_A.weight", DataType.FLOAT, [2, 1], Float32Array.of(1, 2));
 * const { parameters } = readOnnxAdapter(writeOnnxAdapter({ parameters: [a] }));
 * assert.equal(parameters[0]!.name, "q.lora_A.weight");
 * ```
 */
export function writeOnnxAdapter(adapter: OnnxAdapter): Uint8Array {
  const { parameters, adapterVersion = 1, modelVersion = 1 } = adapter;
  const size = parameters.reduce((sum, t) => sum + 128 + t.name.length + 8 * tensorSize(t), 4096);
  const w = flatWriter(IDENTIFIER, size);
  const seen = new Set<string>();
  const list = parameters.map((tensor) => {
    if (seen.has(tensor.name)) {
      throw new OnnxError(`Cannot write the adapter: parameter "${tensor.name}" is given twice`);
    }
    seen.add(tensor.name);
    requireNumbers("write", tensor);
    const data = w.bytes(bytesOf(tensorData(tensor)));
    const dims = w.int64s(tensor.dims);
    const name = w.string(tensor.name);
    return w.table([["offset", name], ["offset", dims], ["int32", tensor.dataType], [
      "offset",
      data,
    ]]);
  });
  const vector = w.vector(list);
  return w.finish(w.table([
    ["int32", VERSION],
    ["int32", adapterVersion],
    ["int32", modelVersion],
    ["offset", vector],
  ]));
}

/**
 * Reads an `.onnx_adapter` file. Tensors are copies.
 *
 * @throws {OnnxError} For what is not one, or is damaged, with the byte at which the fault was found.
 *
 * @example
 * ```ts
 * import { readOnnxAdapter } from "@precond/onnx";
 *
 * const names = (file: Uint8Array) => readOnnxAdapter(file).parameters.map(({ name }) => name);
 * ```
 */
export function readOnnxAdapter(bytes: Uint8Array): Required<OnnxAdapter> {
  const root = openFlatBuffer(bytes, IDENTIFIER, "the adapter");
  const version = root.int32(0, 0);
  if (version !== VERSION) {
    throw new OnnxError(
      `Cannot read the adapter: format version is ${version}, expected is ${VERSION}`,
      { offset: root.at },
    );
  }
  const parameters = (root.tables(3) ?? []).map((table) => {
    const name = table.string(0) ?? "";
    const dims = (table.int64s(1) ?? []).map(Number);
    const dataType = table.int32(2, 0);
    const raw = table.bytes(3) ?? new Uint8Array();
    requireNumbers("read", { name, dataType });
    const size = dims.reduce((a, b) => a * b, 1);
    const width = bytesPerElement(dataType)!;
    if (!(dims.every((d) => d >= 0) && raw.length === size * width)) {
      throw new OnnxError(
        `Cannot read the adapter: "${name}" of shape [${dims}] needs ${size * width} bytes, ` +
          `actual are ${raw.length}`,
        { offset: table.at },
      );
    }
    const data = new (arrayFor(dataType, name))(size);
    bytesOf(data).set(raw);
    return makeTensor(name, dataType, dims, data);
  });
  return { parameters, adapterVersion: root.int32(1, 0), modelVersion: root.int32(2, 0) };
}

function requireNumbers(
  action: "read" | "write",
  { name, dataType }: Pick<TensorProto, "name" | "dataType">,
): void {
  if (bytesPerElement(dataType) !== undefined) return;
  throw new OnnxError(
    `Cannot ${action} the adapter: "${name}" is of ${
      dataTypeName(dataType)
    }, expected are numbers of ` +
      `8 bits or more`,
  );
}
