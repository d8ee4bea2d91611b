/** @module */
import {
  type Backend,
  type Driver,
  exportState,
  importState,
  type NamedArray,
} from "@precond/core/backend";
import {
  DataType,
  exportInferenceModel,
  makeTensor,
  tensorData,
  tensorDims,
  writeModel,
} from "@precond/onnx";
import type { Engine, GatheredArray } from "../engine/engine_types.ts";
import type { Host } from "../hosts/host.ts";
import { readSavedTrainer, type SaveFormat, writeSavedTrainer } from "./saved_trainer.ts";
import type { TrainingSource } from "../graphs/source.ts";

/** A parameter or running statistic. */
export interface Kept<A> {
  readonly name: string;
  readonly dims: readonly number[];
  readonly array: A;
}

/** What is kept of a model in training. */
export interface KeptArrays<A> {
  readonly parameters: readonly Kept<A>[];
  /** Running statistics and frozen parameters that can be set. */
  readonly fixed: readonly Kept<A>[];
}

/** What is kept besides arrays. */
export interface SaveInputs<A> {
  readonly random: number;
  readonly source: TrainingSource;
  readonly format: SaveFormat;
  readonly engine: Pick<Engine<A>, "gathered" | "gatheredArrays">;
}

/**
 * Parameters, slots, step counts, what is gathered for the next update and the state of the random
 * numbers in one file.
 */
export async function saveTrainer<A>(
  driver: Driver<A>,
  backend: Backend<A>,
  kept: KeptArrays<A>,
  { random, source, format, engine }: SaveInputs<A>,
): Promise<Uint8Array<ArrayBuffer>> {
  const { json, tensors } = exportState(driver);
  const { gathered } = engine;
  const half = gathered.runs === 0 ? [] : engine.gatheredArrays().map((g) => ({
    ...g,
    name: gatheredName(g),
    shape: g.dims,
  }));
  const read = async (
    list: readonly {
      readonly name: string;
      readonly shape: readonly number[];
      readonly array: A;
    }[],
  ) =>
    new Map(
      await Promise.all(list.map(async ({ name, shape, array }): Promise<[string, NamedArray]> => [
        name,
        { shape, values: await backend.read(array) },
      ])),
    );
  const shaped = (list: readonly Kept<A>[]) => list.map((k) => ({ ...k, shape: k.dims }));
  const [parameters, fixed, slots] = await Promise.all(
    [shaped(kept.parameters), shaped(kept.fixed), [...tensors, ...half]].map(read),
  );
  return writeSavedTrainer({
    parameters: parameters!,
    // Official tools look for all of them; those that nobody can set are as the source has them.
    fixed: format === "checkpoint" ? new Map([...frozenOf(source), ...fixed!]) : fixed!,
    slots: slots!,
    optimizer: json,
    random,
    gathered: gathered.runs === 0 ? undefined : gathered,
  }, format);
}

/** Slots have a dot after the colons. */
function gatheredName({ parameter, kind }: Pick<GatheredArray<unknown>, "parameter" | "kind">) {
  return `${parameter}::${kind === "gathered" ? "gathered" : "gatheredSquares"}`;
}

function frozenOf({ model, frozen }: TrainingSource): Map<string, NamedArray> {
  const names = new Set(frozen);
  return new Map(
    model.graph!.initializer.filter(({ name, dataType }) =>
      names.has(name) && dataType === DataType.FLOAT
    ).map((tensor) => [
      tensor.name,
      { shape: tensorDims(tensor), values: tensorData(tensor) as Float32Array },
    ]),
  );
}

/** Where a file is restored to. */
export interface LoadInputs<A> {
  readonly driver: Driver<A>;
  readonly host: Host<A>;
  readonly engine: Pick<Engine<A>, "reset" | "gatheredArrays">;
  /** Runs that make an update. */
  readonly accumulate: number;
}

/**
 * Restores a file of {@linkcode saveTrainer}, or the parameters of a checkpoint of ONNX Runtime's,
 * with which the optimizer starts afresh; returns the saved state of the random numbers.
 *
 * @throws {TypeError} For a file that is damaged or belongs to another model or optimizer, or whose
 *   gathered gradient is of as many runs as make an update here; nothing has changed then.
 */
export function loadTrainer<A>(
  bytes: Uint8Array,
  { parameters, fixed }: KeptArrays<A>,
  { driver, host, engine, accumulate }: LoadInputs<A>,
): number | undefined {
  const saved = readSavedTrainer(bytes);
  const { gathered } = saved;
  if (gathered !== undefined && gathered.runs >= accumulate) {
    throw new TypeError(
      `Cannot load the trainer: it was saved after ${gathered.runs} of the steps of an update, ` +
        `current accumulate is ${accumulate}`,
    );
  }
  const half = gathered === undefined ? [] : engine.gatheredArrays();
  const all = [
    ...parameters.map((p) => ({ ...p, saved: saved.parameters.get(p.name) })),
    ...fixed.map((p) => ({ ...p, saved: saved.fixed.get(p.name) })),
    ...half.map((g) => {
      const name = gatheredName(g);
      return { ...g, name, saved: saved.slots.get(name) };
    }),
  ];
  for (const { name, dims, saved } of all) {
    if (saved === undefined || saved.shape.join() !== dims.join()) {
      throw new TypeError(
        `Cannot load the trainer: "${name}" has shape [${dims}], in the file ${
          saved === undefined ? "there is none" : `it has [${saved.shape}]`
        }`,
      );
    }
  }
  if (saved.optimizer === undefined) driver.replaceState({ iteration: 0, parameters: new Map() });
  else {
    importState(
      saved.optimizer,
      new Map([...saved.slots].map(([name, { shape }]) => [name, shape])),
      (name, shape) => host.backend.write(saved.slots.get(name)!.values, shape),
      driver,
      new Map(parameters.map((p) => [p.name, p.dims])),
    );
  }
  for (const { array, saved } of all) host.write(array, saved!.values);
  engine.reset(gathered);
  return saved.random;
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
