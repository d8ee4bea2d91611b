/** @module */
import { bytesPerElement, DataType, dataTypeName } from "../model/data_type.ts";
import { OnnxError } from "../model/onnx_error.ts";
import { tensorSize } from "../model/tensor.ts";
import { create } from "../proto/create.ts";
import { TensorProto } from "../proto/onnx_pb.ts";
import type { Checkpoint, OptimizerGroup, PropertyValue } from "./checkpoint_types.ts";
import { type FlatTable, openFlatBuffer } from "./flat_table.ts";

/** The file identifier: on-device training checkpoint. */
export const IDENTIFIER = "ODTC";
/** The version that is written; version 1 has the same layout without external data. */
export const VERSION = 2;

/** Reads the FlatBuffers form. */
export function readCheckpointBuffer(bytes: Uint8Array, external?: Uint8Array): Checkpoint {
  const root = openFlatBuffer(bytes, IDENTIFIER, "the checkpoint");
  const version = root.int32(0, 0);
  if (version < 1 || version > VERSION) {
    throw new OnnxError(
      `Cannot read the checkpoint: expected version 1 or ${VERSION}, actual version is ${version}`,
      { offset: root.at },
    );
  }
  const module = root.table(1);
  const nominal = module?.bool(2) ?? false;
  const source: TensorSource = {
    nominal,
    external: module?.bool(3) ? external ?? null : undefined,
  };
  const parameters = module?.tables(0)?.map((table) => readTensor(table, source)) ?? [];
  const frozen = module?.tables(1)?.map((table) => readTensor(table, source)) ?? [];
  const names = new Set<string>();
  for (const { name } of [...parameters, ...frozen]) {
    if (names.has(name)) {
      throw new OnnxError(`Cannot read the checkpoint: parameter "${name}" is given twice`);
    }
    names.add(name);
  }
  return {
    parameters,
    frozen,
    optimizerGroups: root.tables(2)?.map(readGroup) ?? [],
    properties: readProperties(root.table(3)),
    nominal,
  };
}

interface TensorSource {
  readonly nominal: boolean;
  /** The data file; null where one is needed and was not given. */
  readonly external: Uint8Array | null | undefined;
}

function readTensor(table: FlatTable, { nominal, external }: TensorSource): TensorProto {
  const tensor = create(TensorProto, {
    name: required(table, table.string(0), "a tensor's name"),
    docString: table.string(1) ?? "",
    dims: table.int64s(2) ?? [],
    dataType: table.int32(3, 0),
  });
  const { name, dataType, dims } = tensor;
  const refuse = (why: string): never => {
    throw new OnnxError(`Cannot read tensor "${name}" of the checkpoint: ${why}`, {
      offset: table.at,
    });
  };
  const size = tensorSize(tensor);
  if (dataType === DataType.STRING) {
    const strings = table.strings(5) ?? [];
    if (strings.length !== size && !nominal) refuse(`shape [${dims}], ${strings.length} strings`);
    tensor.stringData = strings as Uint8Array<ArrayBuffer>[];
    return tensor;
  }
  const width = bytesPerElement(dataType);
  if (width === undefined) return refuse(`its type is ${dataTypeName(dataType)}`);
  let data = table.bytes(4) ?? new Uint8Array();
  const start = table.int64(6, -1n);
  if (external !== undefined && start >= 0n) {
    if (external === null) return refuse("its data are in a data file, which was not given");
    if (start + BigInt(size * width) > BigInt(external.length)) {
      return refuse(`its data are at ${start} of a data file of ${external.length} bytes`);
    }
    data = external.subarray(Number(start), Number(start) + size * width);
  }
  if (data.length !== size * width && !(nominal && data.length === 0)) {
    refuse(
      `shape [${dims}] of ${dataTypeName(dataType)} needs ${size * width} bytes, ` +
        `the data have ${data.length}`,
    );
  }
  tensor.rawData = data as Uint8Array<ArrayBuffer>;
  return tensor;
}

function readGroup(table: FlatTable): OptimizerGroup {
  const states = table.tables(3) ?? [];
  const source: TensorSource = { nominal: false, external: undefined };
  return {
    name: required(table, table.string(0), "an optimizer group's name"),
    step: Number(table.int64(1, 0n)),
    initialLearningRate: table.float32(2, 0),
    momenta: new Map(states.map((state) => [
      required(state, state.string(0), "the name of an optimizer state's parameter"),
      state.tables(1)?.map((tensor) => readTensor(tensor, source)) ?? [],
    ])),
  };
}

function readProperties(table: FlatTable | undefined): Map<string, PropertyValue> {
  const found = new Map<string, PropertyValue>();
  const add = (index: number, value: (property: FlatTable) => PropertyValue) => {
    for (const property of table?.tables(index) ?? []) {
      found.set(required(property, property.string(0), "a property's name"), value(property));
    }
  };
  add(0, (property) => property.int64(1, 0n));
  add(1, (property) => property.float32(1, 0));
  add(2, (property) => property.string(1) ?? "");
  return found;
}

function required<T>(table: FlatTable, value: T | undefined, what: string): T {
  if (value !== undefined) return value;
  throw new OnnxError(`Cannot read the checkpoint: ${what} is missing`, { offset: table.at });
}
