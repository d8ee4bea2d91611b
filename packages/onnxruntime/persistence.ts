/** @module */
import {
  type Backend,
  type Driver,
  exportState,
  importState,
  type NamedArray,
  readSafetensors,
  writeSafetensors,
} from "@precond/core";
import { DataType, exportInferenceModel, makeTensor, writeModel } from "@precond/onnx";
import type { Host } from "./hosts/host.ts";
import type { TrainingSource } from "./source.ts";

/** A parameter or running statistic. */
export interface Kept<A> {
  readonly name: string;
  readonly dims: readonly number[];
  readonly array: A;
}

const format = "precond-trainer";
const version = "1";
const slotSeparator = "::";

/** Parameters, slots, step counts and the state of the random numbers in one safetensors file. */
export async function saveTrainer<A>(
  driver: Driver<A>,
  backend: Backend<A>,
  parameters: readonly Kept<A>[],
  random: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const { json, tensors } = exportState(driver);
  const all = [
    ...parameters.map((p) => ({ name: p.name, shape: p.dims, array: p.array })),
    ...tensors,
  ];
  const values = await Promise.all(all.map(({ array }) => backend.read(array)));
  return writeSafetensors({
    tensors: new Map(
      all.map(({ name, shape }, k): [string, NamedArray] => [name, { shape, values: values[k]! }]),
    ),
    metadata: { format, version, state: json, random: String(random) },
  });
}

/**
 * Restores a file of {@linkcode saveTrainer}; the saved state of the random numbers.
 *
 * @throws {TypeError} For a file that is damaged or belongs to another model or optimizer; nothing
 *   has changed then.
 */
export function loadTrainer<A>(
  bytes: Uint8Array,
  driver: Driver<A>,
  host: Host<A>,
  parameters: readonly Kept<A>[],
): number | undefined {
  const { tensors, metadata } = readSafetensors(bytes);
  if (metadata.format !== format || metadata.version !== version) {
    throw new TypeError(
      `Cannot load the trainer: the file's format is "${metadata.format}" ${metadata.version}, ` +
        `expected "${format}" ${version}`,
    );
  }
  for (const p of parameters) {
    const saved = tensors.get(p.name);
    if (saved === undefined || saved.shape.join() !== p.dims.join()) {
      throw new TypeError(
        `Cannot load the trainer: "${p.name}" has shape [${p.dims}], in the file ${
          saved === undefined ? "there is none" : `it has [${saved.shape}]`
        }`,
      );
    }
  }
  const slots = [...tensors].filter(([name]) => name.includes(slotSeparator));
  importState(
    metadata.state ?? "",
    new Map(slots.map(([name, tensor]) => [name, tensor.shape])),
    (name, shape) => host.backend.write(tensors.get(name)!.values, shape),
    driver,
    new Map(parameters.map((p) => [p.name, p.dims])),
  );
  for (const p of parameters) host.write(p.array, tensors.get(p.name)!.values);
  const random = Number(metadata.random);
  return Number.isInteger(random) ? random : undefined;
}

/** The source's forward pass with the trained values for its initializers. */
export async function exportTrained<A>(
  { evaluation, predictions }: TrainingSource,
  backend: Backend<A>,
  parameters: readonly Kept<A>[],
): Promise<Uint8Array> {
  const tensors = await Promise.all(
    parameters.map(async ({ name, dims, array }) =>
      makeTensor(name, DataType.FLOAT, dims, await backend.read(array))
    ),
  );
  return writeModel(
    exportInferenceModel(
      evaluation.model,
      tensors,
      predictions.length === 0 ? {} : { outputs: predictions },
    ),
  );
}
