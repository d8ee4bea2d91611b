/**
 * Files of trainers.
 *
 * @module
 */
import { type NamedArray, readSafetensors, writeSafetensors } from "@precond/core/backend";
import type { TensorProto } from "@precond/onnx";
import {
  DataType,
  makeTensor,
  OnnxError,
  readCheckpoint,
  tensorData,
  tensorDims,
  writeCheckpoint,
} from "@precond/onnx/on_demand";
import type { GatheredArray, GatheredCounts } from "../engine/engine_types.ts";

/** What a trainer's file holds. */
export interface SavedTrainer {
  readonly parameters: ReadonlyMap<string, NamedArray>;
  /** Running statistics and frozen parameters. */
  readonly fixed: ReadonlyMap<string, NamedArray>;
  /** The optimizer's arrays, by `parameter::stage.slot`, and what is gathered for the next update. */
  readonly slots: ReadonlyMap<string, NamedArray>;
  /** The optimizer's other state; undefined in a checkpoint that is not ours. */
  readonly optimizer: string | undefined;
  /** The state of the random numbers. */
  readonly random: number | undefined;
  /** Undefined after an update, when nothing is. */
  readonly gathered: GatheredCounts | undefined;
  /** What the model is known by; undefined in files of something else, and of older versions. */
  readonly model: string | undefined;
}

/** Forms of a trainer's file. */
export type SaveFormat = "safetensors" | "checkpoint";

const format = "precond-trainer";
const version = "1";
const separator = "::";
/** The name of our optimizer group: ONNX Runtime's own "group0" holds the state of its AdamW. */
const group = "precond";

/**
 * A file: safetensors, or a checkpoint of ONNX Runtime, whose own tools find the parameters in it and
 * leave our optimizer's group alone.
 *
 * @throws {TypeError} For another format.
 */
export function writeSavedTrainer(saved: SavedTrainer, as: SaveFormat): Uint8Array<ArrayBuffer> {
  if (as === "safetensors") return toSafetensors(saved);
  if (as === "checkpoint") return toCheckpoint(saved);
  throw new TypeError(
    `Cannot save the trainer: format must be "safetensors" or "checkpoint", current value is "${as}"`,
  );
}

/**
 * Reads either form.
 *
 * @throws {TypeError} For a file of something else.
 * @throws {OnnxError} For a damaged checkpoint.
 */
export function readSavedTrainer(bytes: Uint8Array): SavedTrainer {
  const identifier = String.fromCharCode(...bytes.subarray(4, 8));
  return identifier === "ODTC" ? fromCheckpoint(bytes) : fromSafetensors(bytes);
}

function toSafetensors(saved: SavedTrainer): Uint8Array<ArrayBuffer> {
  return writeSafetensors({
    tensors: new Map([...saved.parameters, ...saved.fixed, ...saved.slots]),
    metadata: {
      format,
      version,
      state: saved.optimizer!,
      random: String(saved.random),
      ...(saved.gathered === undefined ? {} : { gathered: JSON.stringify(saved.gathered) }),
      ...(saved.model === undefined ? {} : { model: saved.model }),
      // By name: exporters call parameters "onnx::MatMul_12", too.
      values: JSON.stringify([...saved.parameters.keys(), ...saved.fixed.keys()]),
    },
  });
}

function fromSafetensors(bytes: Uint8Array): SavedTrainer {
  const { tensors, metadata } = readSafetensors(bytes);
  checkFormat(metadata.format, metadata.version);
  const names = namesOf(metadata.values, tensors);
  const values = new Map([...tensors].filter(([name]) => names.has(name)));
  return {
    // Which of them are trained, the trainer knows.
    parameters: values,
    fixed: values,
    slots: new Map([...tensors].filter(([name]) => !names.has(name))),
    optimizer: metadata.state ?? "",
    random: randomOf(metadata.random),
    gathered: gatheredOf(metadata.gathered),
    model: metadata.model,
  };
}

/** Names of the tensors that are values of the model, not of the optimizer. */
function namesOf(text: string | undefined, tensors: ReadonlyMap<string, unknown>): Set<string> {
  let names: unknown;
  try {
    names = JSON.parse(text ?? "null");
  } catch {
    // Refused below.
  }
  const known = (name: unknown) => typeof name === "string" && tensors.has(name);
  if (Array.isArray(names) && names.every(known)) return new Set(names);
  throw new TypeError(
    `Cannot load the trainer: the file's list of parameters is damaged: ${
      text === undefined ? "there is none" : text.slice(0, 100)
    }`,
  );
}

function toCheckpoint(saved: SavedTrainer): Uint8Array<ArrayBuffer> {
  const tensors = (arrays: ReadonlyMap<string, NamedArray>) =>
    [...arrays].map(([name, { shape, values }]) => makeTensor(name, DataType.FLOAT, shape, values));
  const momenta = new Map<string, TensorProto[]>();
  for (const [name, { shape, values }] of saved.slots) {
    const at = name.lastIndexOf(separator);
    const [parameter, slot] = [name.slice(0, at), name.slice(at + separator.length)];
    const list = momenta.get(parameter) ?? [];
    momenta.set(parameter, [...list, makeTensor(slot, DataType.FLOAT, shape, values)]);
  }
  const bytes = writeCheckpoint({
    parameters: tensors(saved.parameters),
    frozen: tensors(saved.fixed),
    // The steps of each parameter are in the properties.
    optimizerGroups: [{ name: group, step: 0, initialLearningRate: 0, momenta }],
    properties: new Map([
      ["precond.format", format],
      ["precond.version", version],
      ["precond.state", saved.optimizer!],
      ["precond.random", String(saved.random)],
      ...(saved.model === undefined ? [] : [["precond.model", saved.model] as const]),
      ...(saved.gathered === undefined
        ? []
        : [["precond.gathered", JSON.stringify(saved.gathered)] as const]),
    ]),
  });
  return bytes as Uint8Array<ArrayBuffer>;
}

function fromCheckpoint(bytes: Uint8Array): SavedTrainer {
  const { parameters, frozen, optimizerGroups, properties, nominal } = readCheckpoint(bytes);
  if (nominal) throw new OnnxError("Cannot load the trainer: the checkpoint holds no values");
  const property = (name: string) => properties.get(`precond.${name}`)?.toString();
  const ours = properties.has("precond.format");
  if (ours) checkFormat(property("format"), property("version"));
  const momenta = optimizerGroups.find(({ name }) => ours && name === group)?.momenta ?? [];
  return {
    parameters: arrays(parameters),
    fixed: arrays(frozen),
    slots: new Map(
      [...momenta].flatMap(([parameter, list]) =>
        [...arrays(list)].map(([slot, array]) => [parameter + separator + slot, array] as const)
      ),
    ),
    optimizer: ours ? property("state") ?? "" : undefined,
    random: ours ? randomOf(property("random")) : undefined,
    gathered: ours ? gatheredOf(property("gathered")) : undefined,
    model: property("model"),
  };
}

function arrays(tensors: readonly TensorProto[]): Map<string, NamedArray> {
  return new Map(
    tensors.filter(({ dataType }) => dataType === DataType.FLOAT).map((tensor) => [
      tensor.name,
      { shape: tensorDims(tensor), values: tensorData(tensor) as Float32Array },
    ]),
  );
}

function checkFormat(actual: string | undefined, actualVersion: string | undefined): void {
  if (actual === format && actualVersion === version) return;
  throw new TypeError(
    `Cannot load the trainer: the file's format is "${actual}" ${actualVersion}, ` +
      `expected "${format}" ${version}`,
  );
}

function randomOf(text: string | undefined): number | undefined {
  const random = Number(text);
  return text !== undefined && Number.isInteger(random) ? random : undefined;
}

function gatheredOf(text: string | undefined): GatheredCounts | undefined {
  if (text === undefined) return undefined;
  const damaged = () =>
    new TypeError(`Cannot load the trainer: the file's gathered gradient is damaged: ${text}`);
  let found: Partial<GatheredCounts> | null;
  try {
    found = JSON.parse(text);
  } catch {
    throw damaged();
  }
  const { runs, examples } = found ?? {};
  if (!(Number.isSafeInteger(runs) && runs! > 0 && examples! > 0)) throw damaged();
  return { runs: runs!, examples: examples! };
}

/** The name of what is gathered for a parameter; slots have a dot after the colons. */
export function gatheredName(
  { parameter, kind }: Pick<GatheredArray<unknown>, "parameter" | "kind">,
): string {
  return `${parameter}${separator}${kind === "gathered" ? "gathered" : "gatheredSquares"}`;
}
