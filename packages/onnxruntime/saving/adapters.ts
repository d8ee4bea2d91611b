/**
 * Adapters of trainers: saving, swapping.
 *
 * @module
 */
import {
  DataType,
  loraAdapters,
  loraTensors,
  makeTensor,
  type ModelProto,
  tensorData,
  tensorDims,
} from "@precond/onnx";
import type { Engine } from "../engine/engine_types.ts";
import { fedArrays } from "../engine/parameters.ts";
import type { Setup } from "../engine/set_up.ts";
import type { Initial } from "../graphs/plan.ts";
import {
  type AdapterFiles,
  readAdapterFiles,
  type SaveAdapterOptions,
  writeAdapterFiles,
} from "./adapter_files.ts";

/**
 * The adapters as they are now.
 *
 * @throws {TypeError} For a model without adapters.
 */
export async function saveAdapter<A>(
  setup: Setup<A>,
  options: SaveAdapterOptions,
): Promise<Record<string, Uint8Array>> {
  const { host, plan } = setup;
  const { model } = plan.source;
  requireAdapters("save the adapter", model);
  const names = new Set(loraTensors(model).map(({ name }) => name));
  const current = new Map(
    await Promise.all(
      fedArrays(setup).filter(({ name }) => names.has(name)).map(async ({ name, dims, array }) => {
        const values = (await host.backend.read(array)).slice();
        return [name, makeTensor(name, DataType.FLOAT, dims, values)] as const;
      }),
    ),
  );
  const initializer = model.graph!.initializer.map((t) => current.get(t.name) ?? t);
  return writeAdapterFiles({ ...model, graph: { ...model.graph!, initializer } }, options);
}

/**
 * Puts an adapter in the place of the one that there is; the optimizer starts afresh.
 *
 * @throws {TypeError} For a model without adapters, and files of none or of others; nothing has changed
 *   then.
 */
export function loadAdapter<A>(
  files: AdapterFiles | Uint8Array,
  setup: Setup<A>,
  engine: Engine<A>,
): void {
  const { host, plan } = setup;
  const { model } = plan.source;
  requireAdapters("load the adapter", model);
  const arrays = new Map(fedArrays(setup).map(({ name, array }) => [name, array]));
  const writes: { readonly array: A; readonly values: Float32Array }[] = [];
  const others: Initial[] = [];
  for (const tensor of readAdapterFiles(files, model)) {
    const { name, dataType } = tensor;
    const array = arrays.get(name);
    const data = tensorData(tensor) as Float32Array;
    if (array !== undefined) writes.push({ array, values: data });
    else if (dataType === DataType.FLOAT) others.push({ name, dims: tensorDims(tensor), data });
  }
  // Adapters that are not trained here become frozen parameters, which can be set.
  const freeze = setup.freeze(others);
  const { learningRate } = engine.driver.state();
  engine.driver.replaceState({ iteration: 0, parameters: new Map(), learningRate });
  freeze();
  for (const { array, values } of writes) host.write(array, values);
  engine.reset();
}

function requireAdapters(action: string, model: ModelProto): void {
  if (loraAdapters(model).length > 0) return;
  throw new TypeError(
    `Cannot ${action}: the model has none; create the trainer of addLora() of "@precond/onnx"`,
  );
}
