/** @module */
import { Builder } from "flatbuffers";
import { bytesPerElement, DataType, dataTypeName } from "../model/data_type.ts";
import { OnnxError } from "../model/onnx_error.ts";
import { bytesOf, tensorData } from "../model/tensor.ts";
import type { TensorProto } from "../proto/onnx_pb.ts";
import type { Checkpoint, OptimizerGroup, PropertyValue } from "./checkpoint_types.ts";
import { IDENTIFIER, VERSION } from "./read_checkpoint.ts";

/** What {@linkcode writeCheckpoint} takes: only the parameters are required. */
export type CheckpointState = Pick<Checkpoint, "parameters"> & Partial<Checkpoint>;

/**
 * The file of a checkpoint, version 2, as ONNX Runtime 1.19.2 reads and writes it: names in order.
 *
 * @throws {OnnxError} For a tensor whose data and shape disagree, and for two of one name.
 *
 * @example
 * ```ts
 * import { readCheckpoint, writeCheckpoint } from "@precond/onnx";
 *
 * const withoutOptimizer = (bytes: Uint8Array) =>
 *   writeCheckpoint({ ...readCheckpoint(bytes), optimizerGroups: [] });
 * ```
 */
export function writeCheckpoint(state: CheckpointState): Uint8Array {
  const { parameters, frozen = [], optimizerGroups = [], properties = new Map() } = state;
  const names = new Set<string>();
  for (const { name } of [...parameters, ...frozen]) {
    if (names.has(name)) {
      throw new OnnxError(`Cannot write the checkpoint: parameter "${name}" is given twice`);
    }
    names.add(name);
  }
  const w = createWriter(state);
  const trainable = w.tensors(parameters);
  const fixed = w.tensors(frozen);
  const module = w.table([
    ["offset", trainable],
    ["offset", fixed],
    ["bool", state.nominal ?? false],
  ]);
  const groups = w.vector(optimizerGroups.map((group) => writeGroup(w, group)));
  const bag = properties.size === 0 ? 0 : writeProperties(w, properties);
  const root = w.table([
    ["int32", VERSION],
    ["offset", module],
    ["offset", groups],
    ["offset", bag],
  ]);
  return w.finish(root);
}

function writeGroup(w: Writer, group: OptimizerGroup): number {
  const states = byName([...group.momenta].map(([name, list]) => ({ name, list })))
    .map(({ name, list }) => {
      const parameter = w.string(name);
      return w.table([["offset", parameter], ["offset", w.tensors(list)]]);
    });
  const name = w.string(group.name);
  const list = w.vector(states);
  return w.table([
    ["offset", name],
    ["int64", BigInt(group.step)],
    ["float32", group.initialLearningRate],
    ["offset", list],
  ]);
}

function writeProperties(w: Writer, properties: ReadonlyMap<string, PropertyValue>): number {
  const lists: [number[], number[], number[]] = [[], [], []];
  for (const { name, value } of byName([...properties].map(([name, value]) => ({ name, value })))) {
    const at = w.string(name);
    if (typeof value === "bigint") lists[0].push(w.table([["offset", at], ["int64", value]]));
    else if (typeof value === "number") {
      lists[1].push(w.table([["offset", at], ["float32", value]]));
    } else {
      const text = w.string(value);
      lists[2].push(w.table([["offset", at], ["offset", text]]));
    }
  }
  const vectors = lists.map((list) => w.vector(list));
  return w.table(vectors.map((at) => ["offset", at]));
}

type Field =
  | readonly ["offset" | "int32" | "float32", number]
  | readonly ["int64", bigint]
  | readonly ["bool", boolean];

interface Writer {
  string(text: string): number;
  table(fields: readonly Field[]): number;
  vector(offsets: readonly number[]): number;
  tensors(tensors: readonly TensorProto[]): number;
  finish(root: number): Uint8Array;
}

/** FlatBuffers are written from the inside out: children first. */
function createWriter(state: CheckpointState): Writer {
  const builder = new Builder(estimatedSize(state));
  const write = (tensor: TensorProto) => writeTensor(builder, w, tensor, state.nominal ?? false);
  const w: Writer = {
    string: (text) => builder.createString(text),
    table(fields) {
      builder.startObject(fields.length);
      fields.forEach(([type, value], index) => {
        if (type === "offset") builder.addFieldOffset(index, value, 0);
        else if (type === "int32") builder.addFieldInt32(index, value, 0);
        else if (type === "float32") builder.addFieldFloat32(index, value, 0);
        else if (type === "int64") builder.addFieldInt64(index, value, 0n);
        else builder.addFieldInt8(index, value ? 1 : 0, 0);
      });
      return builder.endObject();
    },
    vector(offsets) {
      builder.startVector(4, offsets.length, 4);
      for (const offset of [...offsets].reverse()) builder.addOffset(offset);
      return builder.endVector();
    },
    tensors: (tensors) => w.vector(byName(tensors).map(write)),
    finish(root) {
      builder.finish(root, IDENTIFIER);
      return builder.asUint8Array();
    },
  };
  return w;
}

function writeTensor(
  builder: Builder,
  w: Writer,
  tensor: TensorProto,
  nominal: boolean,
): number {
  const { name, dataType } = tensor;
  const isString = dataType === DataType.STRING;
  if (!isString && bytesPerElement(dataType) === undefined) {
    throw new OnnxError(
      `Cannot write tensor "${name}" to a checkpoint: its type is ${dataTypeName(dataType)}`,
    );
  }
  const strings = isString ? w.vector(tensor.stringData.map((s) => builder.createString(s))) : 0;
  let data = 0;
  if (!isString) {
    const empty = nominal && tensor.rawData?.length === 0;
    const bytes = empty ? new Uint8Array() : bytesOf(tensorData(tensor));
    // Elements of 8 bytes stay views where the file is read.
    builder.prep(8, bytes.length);
    data = builder.createByteVector(bytes);
  }
  builder.startVector(8, tensor.dims.length, 8);
  for (const dim of [...tensor.dims].reverse()) builder.addInt64(dim);
  const dims = builder.endVector();
  const title = w.string(name);
  const doc = tensor.docString === "" ? 0 : w.string(tensor.docString);
  return w.table([
    ["offset", title],
    ["offset", doc],
    ["offset", dims],
    ["int32", dataType],
    ["offset", data],
    ["offset", strings],
  ]);
}

/** The builder doubles its buffer when it is full: for large files it should not have to. */
function estimatedSize({ parameters, frozen = [], optimizerGroups = [] }: CheckpointState): number {
  const momenta = optimizerGroups.flatMap((group) => [...group.momenta.values()].flat());
  const tensors = [...parameters, ...frozen, ...momenta];
  const size = tensors.reduce((sum, tensor) => {
    const width = bytesPerElement(tensor.dataType) ?? 0;
    return sum + 256 + 3 * tensor.name.length + (tensor.rawData?.length ??
      width * Number(tensor.dims.reduce((a, b) => a * b, 1n)));
  }, 4096);
  // A multiple of 8 keeps the finished file's start aligned.
  return Math.min(2 ** 31 - 8, Math.ceil(size / 8) * 8);
}

function byName<T extends { readonly name: string }>(list: readonly T[]): T[] {
  return [...list].sort((a, b) => a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
}
