/**
 * The trained model for inference.
 *
 * @module
 */
import { chainFor, type Driver } from "@precond/core/backend";
import {
  DataType,
  exportInferenceModel,
  loading,
  makeTensor,
  writeModel,
} from "@precond/onnx/on_demand";
import { fedArrays } from "../engine/parameters.ts";
import type { Setup } from "../engine/set_up.ts";

/**
 * The averages that averageWeights() keeps, by parameter.
 *
 * @throws {TypeError} Where a parameter has none.
 */
export function averagesOf<A>(
  driver: Driver<A>,
  { definition, parameters }: Setup<A>,
): ReadonlyMap<string, A> {
  return new Map(parameters.map(({ name, dims }) => {
    const { stages } = chainFor(definition, { name, shape: dims });
    const stage = stages.findLast(({ transform }) => transform.name === "averageWeights");
    if (stage === undefined) {
      throw new TypeError(
        `Cannot export averages: the optimizer of "${name}" keeps none; end its chain with averageWeights()`,
      );
    }
    return [name, driver.slot(name, `${stage.name}.average`)];
  }));
}

/**
 * The source's forward pass, out of training mode, with the trained values, or their averages, for
 * its initializers; frozen parameters may have been set, running statistics have moved.
 */
export async function exportTrained<A>(
  setup: Setup<A>,
  averages?: ReadonlyMap<string, A>,
): Promise<Uint8Array> {
  const { host, plan } = setup;
  const { evaluation, predictions } = plan.source;
  const tensors = await Promise.all(
    fedArrays(setup).map(async ({ name, dims, array }) =>
      makeTensor(name, DataType.FLOAT, dims, await host.backend.read(averages?.get(name) ?? array))
    ),
  );
  const options = predictions.length === 0 ? {} : { outputs: predictions };
  return writeModel(
    await loading(() => exportInferenceModel(evaluation.model, tensors, options)),
  );
}
