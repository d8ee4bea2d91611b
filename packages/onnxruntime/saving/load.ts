/**
 * Restores trainers.
 *
 * @module
 */
import { importState, type NamedArray } from "@precond/core/backend";
import { DataType, tensorData, tensorDims } from "@precond/onnx/on_demand";
import type { Engine } from "../engine/engine_types.ts";
import { fedArrays } from "../engine/parameters.ts";
import type { Setup } from "../engine/set_up.ts";
import type { Initial } from "../graphs/plan.ts";
import { inventoryOf } from "./save.ts";
import { gatheredName, readSavedTrainer, type SavedTrainer } from "./saved_trainer.ts";

/**
 * Restores a file of `saveTrainer()`, or the parameters of a checkpoint of ONNX Runtime's, with which
 * the optimizer starts afresh.
 *
 * @throws {TypeError} For a file that is damaged or belongs to another model or optimizer, or whose
 *   gathered gradient is of as many runs as make an update here; nothing has changed then.
 */
export function loadTrainer<A>(
  bytes: Uint8Array,
  setup: Setup<A>,
  engine: Engine<A>,
  accumulate: number,
): void {
  const saved = readSavedTrainer(bytes);
  const { host, parameters, plan } = setup;
  const { driver } = engine;
  const { gathered } = saved;
  if (gathered !== undefined && gathered.runs >= accumulate) {
    throw new TypeError(
      `Cannot load the trainer: it was saved after ${gathered.runs} of the steps of an update, ` +
        `current accumulate is ${accumulate}`,
    );
  }
  const values = new Map([...saved.fixed, ...saved.parameters]);
  const initial = new Map([...plan.trained, ...plan.fixed].map((p) => [p.name, p]));
  const partial = mayBePartial(saved, setup);
  const writes: { readonly array: A; readonly values: Float32Array }[] = [];
  const restore = (name: string, dims: readonly number[], array: A, found?: NamedArray) => {
    const afresh = found === undefined && partial ? initial.get(name) : undefined;
    const shape = found?.shape ?? afresh?.dims;
    if (shape === undefined || shape.join() !== dims.join()) {
      throw new TypeError(
        `Cannot load the trainer: "${name}" has shape [${dims}], in the file ${
          shape === undefined ? "there is none" : `it has [${shape}]`
        }`,
      );
    }
    writes.push({ array, values: found?.values ?? afresh!.data });
  };
  for (const { name, dims, array } of fedArrays(setup)) {
    restore(name, dims, array, values.get(name));
  }
  for (const g of gathered === undefined ? [] : engine.gatheredArrays()) {
    const name = gatheredName(g);
    const found = saved.slots.get(name);
    if (found === undefined) {
      throw new TypeError(
        `Cannot load the trainer: it was saved in the middle of an update, of which "${name}" is not ` +
          `in the file; save after an update`,
      );
    }
    restore(name, g.dims, g.array, found);
  }
  const freeze = setup.freeze(othersOf(saved, values, setup));
  if (saved.optimizer === undefined) {
    const { learningRate } = driver.state();
    driver.replaceState({ iteration: 0, parameters: new Map(), learningRate });
  } else {
    importState(
      saved.optimizer,
      new Map([...saved.slots].map(([name, { shape }]) => [name, shape])),
      (name, shape) => host.backend.write(saved.slots.get(name)!.values, shape),
      driver,
      new Map(parameters.map((p) => [p.name, p.dims])),
    );
  }
  freeze();
  for (const { array, values } of writes) host.write(array, values);
  engine.reset(gathered);
  if (saved.random !== undefined) engine.random.state = saved.random;
}

/**
 * Whether parameters that are not in the file begin as the model has them: its trainer had the same
 * model, and trained some of what is trained here.
 */
function mayBePartial<A>(saved: SavedTrainer, { plan, parameters }: Setup<A>): boolean {
  return saved.model === inventoryOf(plan.source.model) &&
    parameters.some(({ name }) => saved.parameters.has(name));
}

/**
 * Values of the file that are constants of the graphs here, where they differ from the model's.
 *
 * @throws {TypeError} For a file of ours with a parameter that the model does not have.
 */
function othersOf<A>(
  { optimizer }: SavedTrainer,
  values: ReadonlyMap<string, NamedArray>,
  { plan, parameters, fixed }: Setup<A>,
): Initial[] {
  const known = new Set([...parameters, ...fixed].map(({ name }) => name));
  const initializers = new Map(plan.source.model.graph!.initializer.map((t) => [t.name, t]));
  return [...values].flatMap(([name, { shape, values }]): Initial[] => {
    if (known.has(name)) return [];
    const tensor = initializers.get(name);
    const fits = tensor?.dataType === DataType.FLOAT && tensorDims(tensor).join() === shape.join();
    if (!fits) {
      // Other tools keep in a checkpoint what they like.
      if (optimizer === undefined) return [];
      throw new TypeError(
        `Cannot load the trainer: the file has "${name}" of shape [${shape}], the model ${
          tensor === undefined ? "has none" : `has it of shape [${tensorDims(tensor)}]`
        }`,
      );
    }
    const data = tensorData(tensor) as Float32Array;
    if (values.every((x, i) => Object.is(x, data[i]))) return [];
    return [{ name, dims: shape, data: values }];
  });
}
