/** @module */
import { DataType, OnnxError, tensorData } from "../rules/shared/mod.ts";
import { parseMessage } from "../model/parse_message.ts";
import type { TensorProto } from "../proto/onnx_pb.ts";
import type {
  Checkpoint,
  CheckpointFolder,
  OptimizerGroup,
  PropertyValue,
} from "./checkpoint_types.ts";

const TRAINABLE = "paramtrain_tensors.pbseq";
const FROZEN = "paramfrozen_tensors.pbseq";
const PROPERTIES = "custom_properties.pbseq";

/** Reads the folder of builds before 1.16: files of tensor messages. */
export function readCheckpointFolder(folder: CheckpointFolder): Checkpoint {
  const files = new Map(
    Object.entries(folder).map(([path, bytes]) => [path.split(/[\\/]/).pop()!, bytes]),
  );
  if (!files.has(TRAINABLE)) {
    throw new OnnxError(
      `Cannot read the checkpoint folder: it has no "${TRAINABLE}", only ${
        [...files.keys()].map((name) => `"${name}"`).join(", ") || "no file"
      }`,
    );
  }
  const read = (name: string) => {
    const bytes = files.get(name);
    return bytes === undefined ? [] : readSequence(bytes, name);
  };
  return {
    parameters: read(TRAINABLE),
    frozen: read(FROZEN),
    optimizerGroups: readGroups([...files.keys()], read),
    properties: new Map(read(PROPERTIES).map((tensor) => [tensor.name, propertyOf(tensor)])),
    nominal: false,
  };
}

/** The number of tensor messages, then each of them after its length; both are varints. */
function readSequence(bytes: Uint8Array, name: string): TensorProto[] {
  let at = 0;
  const refuse = (offset: number, why: string): never => {
    throw new OnnxError(`Cannot read "${name}": ${why} (byte ${offset} of ${bytes.length})`, {
      offset,
    });
  };
  const varint = (what: string): number => {
    const start = at;
    let value = 0;
    for (let k = 0; k < 5; k++) {
      const byte = bytes[at++];
      if (byte === undefined) break;
      value += (byte & 0x7f) * 2 ** (7 * k);
      if (byte < 0x80) return value;
    }
    return refuse(start, `${what} does not end`);
  };
  const count = varint("the number of tensors");
  const tensors: TensorProto[] = [];
  while (tensors.length < count) {
    const start = at;
    const which = `tensor ${tensors.length} of ${count}`;
    const length = varint(`the length of ${which}`);
    if (length > bytes.length - at) {
      refuse(start, `${which} has ${length} bytes, ${bytes.length - at} are left`);
    }
    const message = bytes.subarray(at, at + length);
    tensors.push(parseMessage("TensorProto", message, `${which} in "${name}"`, at));
    at += length;
  }
  if (at < bytes.length) refuse(at, `${bytes.length - at} bytes follow the last tensor`);
  return tensors;
}

/** Groups from the names of files: `optim_<group>_<momentum>_tensors`, `optim_<group>_properties`. */
function readGroups(
  names: readonly string[],
  read: (name: string) => TensorProto[],
): OptimizerGroup[] {
  const groups = new Map<string, { momenta: Map<string, TensorProto[]>; properties: string }>();
  const group = (name: string) => {
    const found = groups.get(name) ?? { momenta: new Map(), properties: "" };
    groups.set(name, found);
    return found;
  };
  for (const file of [...names].sort()) {
    const tensors = /^optim_(.+)_([^_]+)_tensors\.pbseq$/.exec(file);
    if (tensors !== null) {
      const { momenta } = group(tensors[1]!);
      for (const tensor of read(file)) {
        const list = momenta.get(tensor.name) ?? [];
        list.push({ ...tensor, name: tensors[2]! });
        momenta.set(tensor.name, list);
      }
    }
    const properties = /^optim_(.+)_properties\.pbseq$/.exec(file);
    if (properties !== null) group(properties[1]!).properties = file;
  }
  return [...groups].map(([name, { momenta, properties }]) => {
    const values = new Map(read(properties).map((tensor) => [tensor.name, propertyOf(tensor)]));
    // The second names are older.
    const rate = values.get("builtin.initial_learning_rate") ?? values.get("learning_rate_") ?? 0;
    return {
      name,
      step: Number(values.get("builtin.step") ?? values.get("step_") ?? 0),
      initialLearningRate: Number(rate),
      momenta,
    };
  });
}

function propertyOf(tensor: TensorProto): PropertyValue {
  if (tensor.dataType === DataType.STRING) {
    return new TextDecoder().decode(tensor.stringData[0] ?? new Uint8Array());
  }
  const value = tensorData(tensor)[0];
  if (value === undefined) {
    throw new OnnxError(`Cannot read property "${tensor.name}" of the checkpoint: it has no value`);
  }
  return value;
}
