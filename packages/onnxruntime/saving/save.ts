/**
 * Saves trainers.
 *
 * @module
 */
import { exportState, type NamedArray } from "@precond/core/backend";
import type { ModelProto } from "@precond/onnx";
import { DataType, tensorData, tensorDims } from "@precond/onnx/on_demand";
import type { Engine } from "../engine/engine_types.ts";
import type { Setup } from "../engine/set_up.ts";
import type { TrainingSource } from "../graphs/source.ts";
import { gatheredName, type SaveFormat, writeSavedTrainer } from "./saved_trainer.ts";

/**
 * Parameters, slots, step counts, a learning rate set by hand, what is gathered for the next update and
 * the state of the random numbers in one file.
 */
export async function saveTrainer<A>(
  { host, parameters, fixed, plan }: Setup<A>,
  engine: Engine<A>,
  format: SaveFormat,
): Promise<Uint8Array<ArrayBuffer>> {
  const { json, tensors } = exportState(engine.driver);
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
        { shape, values: await host.backend.read(array) },
      ])),
    );
  const [trained, kept, slots] = await Promise.all([
    read(parameters.map(({ name, dims, weights }) => ({ name, shape: dims, array: weights }))),
    read(fixed.map(({ name, dims, current }) => ({ name, shape: dims, array: current }))),
    read([...tensors, ...half]),
  ]);
  return writeSavedTrainer({
    parameters: trained,
    // Official tools look for all of them; those that nobody can set are as the source has them.
    fixed: format === "checkpoint" ? new Map([...frozenOf(plan.source), ...kept]) : kept,
    slots,
    optimizer: json,
    random: engine.random.state,
    gathered: gathered.runs === 0 ? undefined : gathered,
    model: inventoryOf(plan.source.model),
  }, format);
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

/**
 * What a model is known by: names and shapes of its float initializers. A file that has not all
 * parameters is only of use to a trainer of the same model.
 */
export function inventoryOf({ graph }: ModelProto): string {
  const list = graph!.initializer.filter(({ dataType }) => dataType === DataType.FLOAT)
    .map((tensor) => `${tensor.name}[${tensorDims(tensor)}]`).sort();
  return JSON.stringify(list);
}
