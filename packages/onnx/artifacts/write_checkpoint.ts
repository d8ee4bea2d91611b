/** @module */
import { bytesPerElement, DataType, dataTypeName } from "../model/data_type.ts";
import { OnnxError } from "../model/onnx_error.ts";
import { bytesOf, tensorData } from "../model/tensor.ts";
import type { TensorProto } from "../proto/onnx_pb.ts";
import type { Checkpoint, OptimizerGroup, PropertyValue } from "./checkpoint_types.ts";
import { type FlatWriter, flatWriter } from "./flat_writer.ts";
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

interface Writer extends FlatWriter {
  tensors(tensors: readonly TensorProto[]): number;
}

function createWriter(state: CheckpointState): Writer {
  const flat = flatWriter(IDENTIFIER, estimatedSize(state));
  const write = (tensor: TensorProto) => writeTensor(flat, tensor, state.nominal ?? false);
  return { ...flat, tensors: (tensors) => flat.vector(byName(tensors).map(write)) };
}

function writeTensor(w: FlatWriter, tensor: TensorProto, nominal: boolean): number {
  const { name, dataType } = tensor;
  const isString = dataType === DataType.STRING;
  if (!isString && bytesPerElement(dataType) === undefined) {
    throw new OnnxError(
      `Cannot write tensor "${name}" to a checkpoint: its type is ${dataTypeName(dataType)}`,
    );
  }
  const strings = isString ? w.vector(tensor.stringData.map((s) => w.string(s))) : 0;
  let data = 0;
  if (!isString) {
    const empty = nominal && tensor.rawData?.length === 0;
    data = w.bytes(empty ? new Uint8Array() : bytesOf(tensorData(tensor)));
  }
  const dims = w.int64s(tensor.dims);
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

/** About how large the file will be. */
function estimatedSize({ parameters, frozen = [], optimizerGroups = [] }: CheckpointState): number {
  const momenta = optimizerGroups.flatMap((group) => [...group.momenta.values()].flat());
  const tensors = [...parameters, ...frozen, ...momenta];
  return tensors.reduce((sum, tensor) => {
    const width = bytesPerElement(tensor.dataType) ?? 0;
    return sum + 256 + 3 * tensor.name.length + (tensor.rawData?.length ??
      width * Number(tensor.dims.reduce((a, b) => a * b, 1n)));
  }, 4096);
}

function byName<T extends { readonly name: string }>(list: readonly T[]): T[] {
  return [...list].sort((a, b) => a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
}
